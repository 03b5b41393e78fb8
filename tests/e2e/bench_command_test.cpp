#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "e2e/program.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<std::string> kSmall = {"--texts", "5",  "--videos",  "7", "--frames",  "3", "--words",   "4",
                                         "--width", "16", "--queries", "2", "--repeats", "1", "--threads", "1"};

ProgramResult bench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"bench", "head"});
  arguments.insert(arguments.end(), kSmall.begin(), kSmall.end());
  return run_program(arguments);
}

TEST(BenchCommandTest, PrintsAnArrayOfWhatItMeasuredForEveryHead) {
  const std::map<std::string, int64_t> macs_a_pair = {
      {"mean_pool", 16},
      {"glscl", 3 * 16 + 3 * 3 + 2 * 16},
      {"glccl", 2 * (4 + 1) * 3 * 16 + 4 * 3 * 3 + 4 * 4 * 3 + 2 * 4 * 4 * 4 + 4 * 4 * 4},
      {"xclip", (4 + 1) * (3 + 1) * 16 + 4 * 4 * 3 + 3 * 3 * 4 + 2 * 4 * 4 + 2 * 3 * 3},
      {"xpool", 2 * 3 * 16 + 3 * 3 * 3}};
  for (const auto& [head, macs] : macs_a_pair) {
    const auto result = bench({"--head", head, "--json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto measured = nlohmann::json::parse(result.out);
    ASSERT_EQ(measured.size(), 2U);
    EXPECT_EQ(measured[0].at("name"), "head_score/" + head);
    EXPECT_EQ(measured[0].at("macs"), 5 * 7 * macs);
    EXPECT_GT(measured[0].at("seconds").get<double>(), 0);
    EXPECT_GE(measured[0].at("peak_bytes").get<int64_t>(), 0);
    EXPECT_DOUBLE_EQ(measured[0].at("ratio").get<double>(),
                     measured[0].at("seconds").get<double>() / measured[1].at("seconds").get<double>());
    EXPECT_EQ(measured[1].at("name"), "head_score/" + head + "/products_alone");
  }
}

TEST(BenchCommandTest, MeasuresTheHeadThatWantsAWidthOf64) {
  const auto result = run_program({"bench", "head", "--head", "tight", "--texts", "3", "--videos", "2", "--frames", "4",
                                   "--width", "128", "--repeats", "1", "--threads", "1", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const int64_t whole_layer = 5 * 9 * 128 * 128 + 2 * 5 * 5 * 128;  // without queries, keys and values
  const int64_t last_layer = 5 * 2 * 128 * 128 + 2 * 5 * 128 + 10 * 128 * 128, pooler = 128 * 128;
  EXPECT_EQ(nlohmann::json::parse(result.out)[0].at("macs"),
            3 * 2 * (3 * whole_layer + 2 * 5 * 3 * 128 * 128 + last_layer + pooler));
}

TEST(BenchCommandTest, ATrainingStepPrintsATable) {
  for (const std::string head : {"glscl", "xclip", "xpool"}) {
    const auto result = bench({"--head", head, "--train"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("head_step/" + head));
  }
}

TEST(BenchCommandTest, WhatCannotBeMeasuredIsOneSentence) {
  const auto unknown = bench({"--head", "pool"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.out, IsEmpty());
  EXPECT_THAT(unknown.err, HasSubstr("--head: no head 'pool'; there are mean_pool, glscl, glccl, xclip, xpool, tight"));
  const auto none = run_program({"bench", "head", "--texts", "0"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err, HasSubstr("--texts: 0 is not above 0"));
}

}  // namespace
}  // namespace glint::test
