#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "e2e/program.h"
#include "e2e/small_run.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/environment.h"

namespace glint::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

// A copy of the small demo set's videos, to be broken.
class BadVideosTest : public testing::Test {
 protected:
  BadVideosTest() {
    fs::copy(small_demo_set(), set_, fs::copy_options::recursive);
    auto rows = json::parse(read_file(set_ / "manifest.json"));
    for (const auto& row : rows) {
      if (row.at("split") == "train") files_.push_back(set_ / row.at("video").get<std::string>());
    }
  }
  void break_file(const fs::path& file) const { std::ofstream(file, std::ios::trunc) << "no video"; }
  std::vector<std::string> training(const char* name, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), "data.root=" + set_.string());
    return plain_training(folder_ / name, more);
  }

  TemporaryFolder folder_;
  const fs::path set_ = folder_ / "set";
  std::vector<fs::path> files_;  // of training
};

TEST_F(BadVideosTest, AResumedRunKnowsWhatWasBadAndGivesTheLossesOfAnUnbrokenOne) {
  const auto whole = read_file(files_[3]);
  break_file(files_[3]);
  break_file(files_[8]);
  const auto unbroken = run_program(training("unbroken"));
  ASSERT_EQ(unbroken.exit_code, 0) << unbroken.err;
  EXPECT_EQ(times_said(unbroken.err, "is left out: "), 2u) << unbroken.err;
  ASSERT_EQ(run_program(training("resumed", {"train.max_steps=6"})).exit_code, 0);  // an epoch
  std::ofstream(files_[3], std::ios::binary) << whole;  // mended, or a share that is mounted again
  const auto resumed = run_program(training("resumed"));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("2 clips stay left out, as this run has found their files bad"));
  EXPECT_EQ(times_said(resumed.err, "is left out: "), 0u) << resumed.err;
  EXPECT_EQ(logged(folder_ / "resumed", "loss"), logged(folder_ / "unbroken", "loss"));
  EXPECT_EQ(times_said(read_file(folder_ / "resumed/bad_files.jsonl"), "\n"), 2u);
}

TEST_F(BadVideosTest, SeveralProcessesListAndTellOfAFileOnce) {
  break_file(files_[3]);
  const auto alone = run_program(training("alone", {"train.epochs=4"}));
  ASSERT_EQ(alone.exit_code, 0) << alone.err;
  const auto result = run_program(training("run", {"dist.processes=2", "train.epochs=4"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(times_said(result.err, "is left out: "), 1u) << result.err;
  EXPECT_EQ(times_said(read_file(folder_ / "run/bad_files.jsonl"), "\n"), 1u);
}

TEST_F(BadVideosTest, AFileThatGoesMissingEndsTheTrainingWhichHasSavedItsSteps) {
  const auto run = folder_ / "run";
  {
    Program program(training("run", {"train.epochs=10000"}));
    while (program.running() && logged(run, "loss").size() < 7)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ASSERT_TRUE(program.running()) << program.err();
    for (const auto& file : files_) fs::rename(file, file.string() + ".away");
    const auto ended = program.wait();
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_THAT(ended.err, HasSubstr("was there when the work began and is not there now"));
  }
  for (const auto& file : files_) fs::rename(file.string() + ".away", file);
  const auto steps = logged(run, "loss").size();
  const auto state = json::parse(read_file(run / "checkpoints/last/state.json"));
  EXPECT_EQ(state.at("step"), steps);
  EXPECT_FALSE(fs::exists(run / "bad_files.jsonl"));
  const auto resumed = run_program(training("run", {"train.epochs=10000", concat("train.max_steps=", steps + 1)}));
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
}

TEST_F(BadVideosTest, AnEvaluationTellsOfABadVideoOnceAndCountsIt) {
  ASSERT_EQ(run_program(training("run", {"train.max_steps=2"})).exit_code, 0);
  fs::path bad;
  for (const auto& row : json::parse(read_file(set_ / "manifest.json"))) {
    if (row.at("split") == "test") bad = set_ / row.at("video").get<std::string>();
  }
  break_file(bad);
  const auto run = (folder_ / "run").string();
  const auto refused = run_program({"eval", run, "eval.split=test"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_EQ(times_said(refused.err, "no video that can be opened"), 1u) << refused.err;
  const auto skipping = run_program({"eval", run, "eval.split=test", "eval.on_missing=skip", "--json"});
  EXPECT_EQ(skipping.exit_code, 0) << skipping.err;
  EXPECT_EQ(times_said(skipping.err, "left out: "), 1u) << skipping.err;
  fs::remove(bad);
  const auto encoded = run_program({"encode", run, "--videos", set_.string(), "--out", (folder_ / "f").string()});
  EXPECT_EQ(encoded.exit_code, 0) << encoded.err;
  std::ofstream(folder_ / "list.txt") << bad.string() << "\n" << files_[0].string() << "\n";
  const auto listed = run_program(
      {"encode", run, "--videos", (folder_ / "list.txt").string(), "--out", (folder_ / "g").string(), "--json"});
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  EXPECT_THAT(json::parse(listed.out).at("skipped_videos"), SizeIs(1));
}

}  // namespace
}  // namespace glint::test
