#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "e2e/program.h"

namespace glint::test {
namespace {

TEST(DoctorCommandTest, EachLineSaysWhetherAThingIsThere) {
  const auto result = run_program({"doctor"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::istringstream lines(result.out);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_TRUE(line.rfind("ok ", 0) == 0 || line.rfind("missing ", 0) == 0) << line;
    EXPECT_TRUE(line.rfind("missing ", 0) != 0 || line.find("; ") != std::string::npos) << "no advice: " << line;
  }
  EXPECT_GE(count, 12);
}

TEST(DoctorCommandTest, JsonHasTheSameChecks) {
  const auto result = run_program({"doctor", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto report = nlohmann::json::parse(result.out);
  std::set<std::string> names;
  for (const auto& check : report.at("checks")) {
    names.insert(check.at("name").get<std::string>());
    EXPECT_FALSE(check.at("found").get<std::string>().empty()) << check;
    EXPECT_EQ(check.contains("advice"), !check.at("ok").get<bool>()) << check;
  }
  for (const char* name : {"CPU", "vector units", "memory", "LibTorch", "FFmpeg", "h264 decoder", "hevc decoder",
                           "vp9 decoder", "av1 decoder", "mpeg4 decoder", "CLIP vocabulary", "GPU driver",
                           "CUDA module", "GPU", "disk, here", "disk, temporary"}) {
    EXPECT_EQ(names.count(name), 1u) << name;
  }
}

TEST(DoctorCommandTest, AVocabularyThatIsNotThereIsMissingNotAFailure) {
  const auto result = run_program({"doctor"}, {.environment = {"GLINT_CLIP_VOCABULARY=/no/such/file.txt.gz"}});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, testing::ContainsRegex("missing  CLIP vocabulary .*/no/such/file"));
}

}  // namespace
}  // namespace glint::test
