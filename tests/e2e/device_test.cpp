#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "e2e/program.h"
#include "e2e/small_run.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

bool has_driver() {
  return dlopen("libcuda.so.1", RTLD_LAZY) != nullptr;
}

// With a driver that is none.
ProgramOptions with_stand_in_driver(const std::string& module) {
  return {.environment = {"LD_LIBRARY_PATH=" GLINT_STAND_INS, "GLINT_CUDA_MODULE=" + module}};
}

std::string finding(const nlohmann::json& doctor, const std::string& name, const char* key) {
  for (const auto& check : doctor.at("checks")) {
    if (check.at("name") == name) return check.value(key, "");
  }
  return "";
}

TEST(DeviceCommandTest, AGpuThatIsAskedForAndMissingIsOneSentence) {
  if (has_driver()) GTEST_SKIP() << "this machine has an NVIDIA driver";
  const TemporaryFolder folder;
  const auto refused = run_program(small_training(folder / "run", {"run.device=cuda"}),
                                   {.environment = {"GLINT_CUDA_MODULE=" GLINT_STAND_INS "/libold_module.so"}});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("config.run.device is cuda, but there is no NVIDIA driver"),
                                 HasSubstr("set run.device=cpu")));
  EXPECT_FALSE(std::filesystem::exists(folder / "run"));
}

TEST(DeviceCommandTest, AModuleThatDoesNotFitIsNamedAndTheCpuTakesTheWork) {
  const TemporaryFolder folder;
  const auto options = with_stand_in_driver(GLINT_STAND_INS "/libold_module.so");
  const auto words = small_training(folder / "run", {"train.max_steps=1", "data.test_split=", "data.val_split="});
  const auto trained = run_program(words, options);
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_THAT(trained.err,
              AllOf(HasSubstr("works on the CPU"), HasSubstr("libold_module.so"), HasSubstr("another glint")));
  auto asked = words;
  asked.push_back("run.device=cuda");
  EXPECT_EQ(run_program(asked, options).exit_code, 1);
}

TEST(DeviceCommandTest, DoctorSaysWhatIsMissingForAGpu) {
  const auto missing = run_program({"doctor", "--json"}, with_stand_in_driver("/no/such/module.so"));
  ASSERT_EQ(missing.exit_code, 0) << missing.err;
  const auto report = nlohmann::json::parse(missing.out);
  EXPECT_EQ(finding(report, "CUDA module", "found"), "none");
  EXPECT_THAT(finding(report, "GPU", "advice"), HasSubstr("GLINT_CUDA_MODULE=/no/such/module.so: no such file"));
}

}  // namespace
}  // namespace glint::test
