#include <nlohmann/json.hpp>

#include "cuda/gpu.h"
#include "e2e/program.h"
#include "e2e/small_run.h"
#include "glint/core/error.h"
#include "support/environment.h"

namespace glint::test {
namespace {

class GpuRunTest : public testing::Test {
 protected:
  ProgramResult train(const char* name, std::vector<std::string> more) {
    more.insert(more.begin(), {"data.test_split=", "data.val_split="});
    return run_program(small_training(folder_ / name, more));
  }
  std::vector<double> losses(const char* name) {
    std::vector<double> values;
    for (const auto& text : logged(folder_ / name, "loss")) values.push_back(std::stod(text));
    return values;
  }
  TemporaryFolder folder_;
};

TEST_F(GpuRunTest, ABrokenRunGoesOnWithTheLossesOfAnUnbrokenOne) {
  GLINT_NEEDS_GPU();
  for (const char* precision : {"fp32", "bf16", "fp16"}) {
    const std::vector<std::string> words = {"run.device=cuda", concat("train.precision=", precision), "train.ema=0.9"};
    const auto with_steps = [&](const char* steps) {
      auto more = words;
      more.push_back(concat("train.max_steps=", steps));
      return more;
    };
    const auto whole = concat("whole_", precision), broken = concat("broken_", precision);
    auto result = train(whole.c_str(), with_steps("6"));
    ASSERT_EQ(result.exit_code, 0) << result.err;
    ASSERT_EQ(train(broken.c_str(), with_steps("3")).exit_code, 0);
    result = train(broken.c_str(), with_steps("6"));
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto expected = losses(whole.c_str()), found = losses(broken.c_str());
    ASSERT_EQ(found.size(), 6U);
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-2) << precision << " " << i;
    EXPECT_FALSE(logged(folder_ / whole, "gpu_peak_mb").empty());
    EXPECT_FALSE(logged(folder_ / whole, "seconds/to device").empty());
  }
}

TEST_F(GpuRunTest, ACheckpointEvaluatesAlikeOnGpuAndCpu) {
  GLINT_NEEDS_GPU();
  const auto trained = train("run", {"run.device=cuda", "train.max_steps=3", "data.test_split=test"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const auto evaluated = [&](const char* device) {
    const auto result = run_program({"eval", (folder_ / "run").string(), concat("run.device=", device), "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out).at("t2v").at("MnR").get<double>();
  };
  EXPECT_NEAR(evaluated("cuda"), evaluated("cpu"), 0.3);
}

TEST_F(GpuRunTest, MoreProcessesThanGpusAreRefused) {
  GLINT_NEEDS_GPU();
  const auto processes = concat("dist.processes=", find_gpus().gpus.size() + 1);
  const auto batch = concat("train.batch_size=", 2 * (find_gpus().gpus.size() + 1));
  const auto refused = train("run", {"run.device=cuda", processes, batch});
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_NE(refused.err.find("has no GPU of its own"), std::string::npos) << refused.err;
}

}  // namespace
}  // namespace glint::test
