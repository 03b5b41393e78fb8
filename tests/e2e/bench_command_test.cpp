#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "e2e/program.h"
#include "e2e/small_video.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<std::string> kSmall = {"--texts", "5",  "--videos",  "7", "--frames",  "3", "--words",   "4",
                                         "--dim",   "64", "--queries", "2", "--repeats", "1", "--threads", "1"};

ProgramResult bench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"bench", "head"});
  arguments.insert(arguments.end(), kSmall.begin(), kSmall.end());
  return run_program(arguments);
}

const nlohmann::json& named(const nlohmann::json& measured, const std::string& name) {
  for (const auto& object : measured) {
    if (object.at("name") == name) return object;
  }
  throw std::runtime_error("no " + name);
}

// T=3, L=4, D=64, Q=2.
const std::map<std::string, int64_t> kMacsAPair = {
    {"mean_pool", 64},
    {"glscl", 3 * 64 + 3 * 3 + 2 * 64},
    {"glccl", 2 * (4 + 1) * 3 * 64 + (4 + 1) * 3 * 3 + 4 * 4 * 3 + 2 * 4 * 4 * 4 + 4 * 4 * 4},
    {"xclip", (4 + 1) * (3 + 1) * 64 + 4 * 4 * 3 + 3 * 3 * 4 + 2 * 4 * 4 + 2 * 3 * 3},
    {"xpool", 2 * 3 * 64 + 3 * 3 * 3},
    {"tight", 3 * (4 * 9 * 64 * 64 + 2 * 4 * 4 * 64) + 2 * 4 * 3 * 64 * 64 + (4 * 2 + 10) * 64 * 64 + 2 * 4 * 64 +
                  64 * 64 + 64}};

TEST(BenchCommandTest, WithoutAHeadMeasuresAllOfThemAndTheirLiteralForms) {
  const auto result = bench({"--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto measured = nlohmann::json::parse(result.out);
  for (const auto& [head, macs] : kMacsAPair) {
    const auto &score = named(measured, "head_score/" + head),
               &block = named(measured, "head_score/" + head + "/block");
    const auto& products = named(measured, "head_score/" + head + "/products_alone");
    const auto& literal = named(measured, "head_score/" + head + "/literal");
    EXPECT_EQ(score.at("macs"), 5 * 7 * macs);
    EXPECT_EQ(score.at("counts").at("exact").at("pair"), macs);
    EXPECT_EQ(block.at("macs"), 5 * 5 * macs);
    EXPECT_EQ(literal.at("macs"), 5 * 5 * score.at("counts").at("released").at("pair").get<int64_t>());
    EXPECT_EQ(score.at("counts").at("published_pair").is_null(), head == "glccl" || head == "tight");
    EXPECT_GT(score.at("seconds").get<double>(), 0);
    EXPECT_GE(score.at("peak_bytes").get<int64_t>(), 0);
    EXPECT_DOUBLE_EQ(score.at("ratio").get<double>(),
                     score.at("seconds").get<double>() / products.at("seconds").get<double>());
    EXPECT_DOUBLE_EQ(literal.at("ratio").get<double>(),
                     literal.at("seconds").get<double>() / block.at("seconds").get<double>());
    EXPECT_LT(literal.at("difference").get<double>(), 1e-4);
    EXPECT_GT(named(measured, "head_prepare/" + head + "/literal").at("seconds").get<double>(), 0);
  }
}

TEST(BenchCommandTest, ThePrintedCommandMeasuresTheSameBlocks) {
  const std::vector<std::string> options = {
      "bench", "head", "--head",    "tight", "--texts",         "9", "--videos",  "6", "--block", "4", "--frames", "2",
      "--dim", "64",   "--repeats", "1",     "--literal-block", "3", "--threads", "1", "--json"};
  const auto first = run_program(options);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const auto measured = nlohmann::json::parse(first.out);
  EXPECT_EQ(named(measured, "head_score/tight").at("texts"), 4);
  EXPECT_EQ(named(measured, "head_score/tight").at("videos"), 4);
  EXPECT_EQ(named(measured, "head_score/tight/literal").at("texts"), 3);
  EXPECT_EQ(measured[0].at("command"),
            "glint bench head --head tight --texts 9 --videos 6 --frames 2 --words 32 --dim 64 --queries 8 --repeats 1 "
            "--threads 1 --block 4 --literal-block 3");
}

TEST(BenchCommandTest, TheTablesNameEveryHeadAndHowToRepeatThem) {
  const auto result = bench({});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (const auto& [head, macs] : kMacsAPair) EXPECT_THAT(result.out, HasSubstr("\n" + head + " "));
  EXPECT_THAT(result.out, HasSubstr("\nglint bench head --texts 5 --videos 7 --frames 3 --words 4 --dim 64 --queries 2 "
                                    "--repeats 1 --threads 1\n"));
}

TEST(BenchCommandTest, ATrainingStepIsMeasuredBesideTheLiteralForm) {
  const auto result = bench({"--train", "--pairs", "6", "--literal-block", "5", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto measured = nlohmann::json::parse(result.out);
  for (const auto& [head, macs] : kMacsAPair) {
    EXPECT_EQ(named(measured, "head_step/" + head).at("texts"), 6);
    EXPECT_EQ(named(measured, "head_step/" + head + "/block").at("texts"), 5);
    EXPECT_GT(named(measured, "head_step/" + head + "/literal").at("peak_bytes").get<int64_t>(), 0);
  }
  const auto table = bench({"--train", "--pairs", "3", "--head", "glccl"});
  EXPECT_THAT(table.out, HasSubstr("\nglccl "));
}

TEST(BenchCommandTest, OperatorsAreTimedBesideTheKernelsOfTheHeadsThatHaveOne) {
  const auto result = bench({"--operators", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::vector<std::string> with_kernel;
  const auto measured = nlohmann::json::parse(result.out);
  for (const auto& object : measured) {
    const auto name = object.at("name").get<std::string>();
    if (name.ends_with("/operators")) with_kernel.push_back(name);
  }
  EXPECT_THAT(with_kernel, testing::ElementsAre("head_score/xclip/operators", "head_score/xpool/operators"));
  const auto training = run_program({"bench", "head", "--operators", "--train"});
  EXPECT_EQ(training.exit_code, 1);
  EXPECT_THAT(training.err, HasSubstr("--operators: has no effect with --train"));
}

TEST(BenchCommandTest, WhatCannotBeMeasuredIsOneSentence) {
  const auto unknown = bench({"--head", "pool"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.out, IsEmpty());
  EXPECT_THAT(unknown.err, HasSubstr("--head: no head 'pool'; there are mean_pool, glscl, glccl, xclip, xpool, tight"));
  const auto none = run_program({"bench", "head", "--texts", "0"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err, HasSubstr("--texts: 0 is not above 0"));
  const auto narrow = run_program({"bench", "head", "--width", "72"});
  EXPECT_EQ(narrow.exit_code, 1);
  EXPECT_THAT(narrow.out, IsEmpty());
  EXPECT_THAT(
      narrow.err,
      HasSubstr("--dim 72, --frames 12: not for tight: config.model.towers.embed_dim: 72 is not a multiple of 64"));
}

TEST(BenchCommandTest, DecodeTimesOursBesideOrderAndSeekingAndListsWhatCannotBeRead) {
  const TemporaryFolder folder;
  small_video(folder / "b.mp4");
  std::filesystem::create_directory(folder / "more");
  small_video(folder / "more" / "a.MKV");
  std::ofstream(folder / "broken.avi") << "no video";
  std::ofstream(folder / "notes.txt") << "no video either";
  const std::string path = folder.path();
  const auto result = run_program({"bench", "decode", path, "--frames", "4", "--size", "32", "--repeats", "1",
                                   "--compare", "--threads", "2", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto measured = nlohmann::json::parse(result.out);
  ASSERT_EQ(measured.size(), 3U);
  for (const auto* name : {"decode/plan", "decode/in_order", "decode/seek_each"}) {
    const auto& object = named(measured, name);
    EXPECT_GT(object.at("seconds").get<double>(), 0) << name;
    EXPECT_EQ(object.at("videos"), 2) << name;
    EXPECT_EQ(object.at("frames"), 8) << name;
    EXPECT_THAT(object.at("command").get<std::string>(), HasSubstr("--frames 4 --size 32 --threads 2")) << name;
  }
  const auto& ours = named(measured, "decode/plan");
  EXPECT_EQ(ours.at("files").size(), 2U);
  EXPECT_EQ(ours.at("files")[0].at("times_s").size(), 4U);
  EXPECT_GT(ours.at("stages").at("decode").get<double>(), 0);
  ASSERT_EQ(ours.at("unreadable").size(), 1U);
  EXPECT_THAT(ours.at("unreadable")[0].at("cause").get<std::string>(), HasSubstr("broken.avi"));
  EXPECT_EQ(named(measured, "decode/in_order").at("different_videos"), 0);
  EXPECT_EQ(named(measured, "decode/seek_each").at("different_videos"), 0);
}

TEST(BenchCommandTest, DecodeWithoutAReadableVideoIsOneSentence) {
  const TemporaryFolder folder;
  EXPECT_THAT(run_program({"bench", "decode", folder / "none"}).err, HasSubstr("none: no such file or folder"));
  EXPECT_THAT(run_program({"bench", "decode", folder.path()}).err, HasSubstr("no file in it has a video's name"));
  std::ofstream(folder / "a.mp4") << "text";
  const auto result = run_program({"bench", "decode", folder.path()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("none of its 1 videos can be read; the first:"));
  EXPECT_THAT(result.err, HasSubstr("a.mp4"));
}

}  // namespace
}  // namespace glint::test
