#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "e2e/program.h"
#include "e2e/small_video.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

ProgramResult stats(const std::string& config, const std::string& root, const std::vector<std::string>& more = {}) {
  std::vector<std::string> words = {"data", "stats", "configs/" + config, "data.root=" + root};
  words.insert(words.end(), more.begin(), more.end());
  return run_program(words);
}

// An MSVD of three videos, one of which has a file.
class DataStatsTest : public testing::Test {
 protected:
  DataStatsTest() {
    write(folder_ / "captions_msvd.json",
          R"({"a_0_1": ["a  dog", "it runs\nfast"], "b_0_1": ["x"], "c_0_1": ["y z"]})");
    write(folder_ / "train_list.txt", "a_0_1\nb_0_1\n");
    write(folder_ / "val_list.txt", "c_0_1");
    write(folder_ / "test_list.txt", "b_0_1");
    write(folder_ / "a_0_1.avi", "");
  }
  TemporaryFolder folder_;
};

TEST_F(DataStatsTest, CountsEverySplitAndNamesWhatDiffers) {
  const auto result = stats("clip4clip/msvd.yaml", folder_.path().string(), {"--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto report = json::parse(result.out);
  EXPECT_EQ(report.at("name"), "msvd");
  ASSERT_EQ(report.at("splits").size(), 3u);
  const auto& train = report.at("splits")[0];
  EXPECT_EQ(train.at("split"), "train");
  EXPECT_EQ(train.at("protocol"), "multi_sentence");
  EXPECT_EQ(train.at("videos"), 2);
  EXPECT_EQ(train.at("captions"), 3);
  EXPECT_EQ(train.at("captions_per_video"), json({{"min", 1}, {"max", 2}}));
  EXPECT_EQ(train.at("words"), json({{"min", 1}, {"mean", 2.0}, {"max", 3}}));
  EXPECT_EQ(train.at("files"), 1);
  EXPECT_EQ(train.at("missing"), json({"b_0_1"}));
  EXPECT_EQ(train.at("published"), json({{"videos", 1200}, {"captions", 48774}}));
  EXPECT_EQ(train.at("differences")[0], "2 videos, 1198 fewer than the published 1200");
  const auto table = stats("clip4clip/msvd.yaml", folder_.path().string()).out;
  EXPECT_THAT(table, AllOf(HasSubstr("train: 3 captions, 48771 fewer than the published 48774"),
                           HasSubstr("train: 1 without a file: b_0_1")));
}

TEST_F(DataStatsTest, ASplitThatCannotBeReadDoesNotHideTheOthers) {
  write(folder_ / "val_list.txt", "c_0_1\nunknown\n");
  const auto result = stats("clip4clip/msvd.yaml", folder_.path().string());
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, AllOf(HasSubstr("val           cannot be read"), HasSubstr("test: 1 videos, 669 fewer")));
  EXPECT_THAT(result.err, HasSubstr("val_list.txt: video 'unknown' has no captions in captions_msvd.json"));
}

TEST_F(DataStatsTest, EvaluationFailsOnMissingVideosBeforeTheTraining) {
  const auto result = run_program({"train", "configs/clip4clip/msvd.yaml", "data.root=" + folder_.path().string(),
                                   "run.dir=" + (folder_ / "run").string(), "optim.clip_lr=1e-3"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("1 of 1 videos of split 'test' are not there: b_0_1"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run/checkpoints"));
}

TEST(DataStatsFilesTest, TheRealFilesHaveThePublishedCountsButWhereTheReadmeSaysSo) {
  const auto shared = shared_dir();
  if (!shared) GTEST_SKIP() << kNoSharedDir;
  for (const auto& [config, set] : {std::pair{"glscl/msrvtt.yaml", "msrvtt"},
                                    {"xpool/msvd.yaml", "msvd"},
                                    {"xclip/activitynet.yaml", "activitynet"}}) {
    const auto result = stats(config, (*shared / "data/annotations" / set).string());
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("all counts are the published ones")) << set;
  }
  const auto didemo = stats("glccl/didemo.yaml", (*shared / "data/annotations/didemo").string());
  EXPECT_THAT(
      didemo.out,
      AllOf(HasSubstr("train: 8362 videos, 33 fewer than the published 8395"),
            HasSubstr("train: 30 left out (listed in train_list.txt, without captions in didemo_train_label.csv"),
            testing::Not(HasSubstr("val: 1065 videos"))));
}

// An MSVD of five videos: two whole, one broken, one cut off in the middle, one missing.
class DataVerifyTest : public testing::Test {
 protected:
  DataVerifyTest() {
    write(folder_ / "captions_msvd.json", R"({"a_0_1": ["a"], "b_0_1": ["b"], "c_0_1": ["c"], "d_0_1": ["d"],
                                              "e_0_1": ["e"]})");
    write(folder_ / "train_list.txt", "a_0_1\nb_0_1\nd_0_1\n");
    write(folder_ / "val_list.txt", "c_0_1");
    write(folder_ / "test_list.txt", "a_0_1\ne_0_1");
    small_video(folder_ / "a_0_1.avi");
    small_video(folder_ / "b_0_1.mp4");
    write(folder_ / "c_0_1.avi", "no video");
    small_video(folder_ / "d_0_1.mkv");
  }
  std::string root() const { return "data.root=" + folder_.path().string(); }
  TemporaryFolder folder_;
};

TEST_F(DataVerifyTest, NamesEveryFileThatIsBadOrMissingWithItsCause) {
  const auto result = run_program({"data", "verify", "configs/clip4clip/msvd.yaml", root(), "--json"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("4 files: 3 whole, 0 damaged, 1 bad; 1 videos have no file"));
  const auto report = json::parse(result.out);
  EXPECT_EQ(report.at("files"), 4);
  EXPECT_EQ(report.at("whole"), 3);
  ASSERT_EQ(report.at("bad").size(), 1u);
  EXPECT_THAT(report.at("bad")[0].at("cause"), HasSubstr("c_0_1.avi: no video that can be opened"));
  EXPECT_EQ(report.at("bad")[0].at("splits"), json({"val"}));
  EXPECT_EQ(report.at("missing"), json::parse(R"([{"id": "e_0_1", "split": "test"}])"));
}

// small_video() is 75 / 25 s and one frame long: 3 s.
TEST(DataVerifyWindowTest, AWindowPastTheEndIsToldWithItsRowAndTheFileIsSound) {
  const TemporaryFolder folder;
  small_video(folder / "v.mp4");
  write(folder / "manifest.json",
        R"([{"video": "v.mp4", "caption": "a", "id": "in", "split": "train", "start_s": 1, "end_s": 2},
            {"video": "v.mp4", "caption": "b", "id": "late", "split": "test", "start_s": 100, "end_s": 110},
            {"video": "v.mp4", "caption": "c", "id": "over", "split": "test", "start_s": 1.5, "end_s": 110}])");
  write(folder / "settings.yaml", "data:\n  annotations: manifest.json\n");
  const std::vector<std::string> words = {"data", "verify", folder / "settings.yaml",
                                          "data.root=" + folder.path().string(), "data.val_split="};
  const auto result = run_program(words);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("window   test: 'late': its window 100-110 s begins after the end of "));
  EXPECT_THAT(result.out, HasSubstr("v.mp4, which is 3 s long"));
  EXPECT_THAT(result.out, HasSubstr("1 files: 1 whole, 0 damaged, 0 bad; 1 windows hold no frame"));
  EXPECT_THAT(result.out, testing::Not(HasSubstr("'over'")));
  auto json_words = words;
  json_words.push_back("--json");
  const auto report = json::parse(run_program(json_words).out);
  ASSERT_EQ(report.at("windows").size(), 1u);
  EXPECT_EQ(report.at("windows")[0].at("id"), "late");
  EXPECT_EQ(report.at("windows")[0].at("start_s"), 100);
  EXPECT_NEAR(report.at("windows")[0].at("length_s").get<double>(), 3, 1e-6);
  EXPECT_EQ(report.at("bad").size(), 0u);
}

TEST(DataVerifyWindowTest, WhatCannotBeLookedAtIsNotBad) {
  const TemporaryFolder folder;
  small_video(folder / "v.mp4");
  std::filesystem::create_symlink("/proc/self/mem", folder / "stricken.mp4");  // reading it is an I/O error
  const auto result = run_program({"data", "verify", folder.path(), "--json"});
  EXPECT_EQ(result.exit_code, 1);
  const auto report = json::parse(result.out);
  EXPECT_EQ(report.at("whole"), 1);
  EXPECT_EQ(report.at("bad").size(), 0u);
  ASSERT_EQ(report.at("unread").size(), 1u);
  EXPECT_THAT(report.at("unread")[0].at("cause"), HasSubstr("Input/output error"));
}

TEST(DataVerifyManyTest, FiveFilesOfAKindAreNamedAndTheRestIsCounted) {
  const TemporaryFolder folder;
  small_video(folder.path() / "whole.mp4");
  std::string list, captions = R"({"whole": ["a"])";
  for (int i = 0; i < 14; ++i) {
    const auto id = concat("v", 10 + i);
    list += id + "\n";
    captions += concat(", \"", id, "\": [\"a\"]");
    if (i < 7) write(folder / (id + ".avi"), "no video");
  }
  write(folder / "captions_msvd.json", captions + "}");
  write(folder / "train_list.txt", list);
  for (const auto* name : {"val_list.txt", "test_list.txt"}) write(folder / name, "whole");
  const std::vector<std::string> words = {"data", "verify", "configs/clip4clip/msvd.yaml",
                                          "data.root=" + folder.path().string(), "data.val_split="};
  const auto result = run_program(words);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, AllOf(HasSubstr("v14.avi: "), testing::Not(HasSubstr("v15.avi")),
                                HasSubstr("bad      and 2 more; --json names all\n")));
  EXPECT_THAT(result.out, AllOf(HasSubstr("missing  train: v21\n"), testing::Not(HasSubstr("v22")),
                                HasSubstr("missing  and 2 more; --json names all\n")));
  auto json_words = words;
  json_words.push_back("--json");
  const auto report = json::parse(run_program(json_words).out);
  EXPECT_EQ(report.at("bad").size(), 7u);
  EXPECT_EQ(report.at("missing").size(), 7u);
}

TEST_F(DataVerifyTest, ComparesAFolderWithDecodingInOrder) {
  std::filesystem::remove(folder_ / "c_0_1.avi");
  const std::vector<std::string> words = {"data", "verify", folder_.path(), "--exact", "video.sampling=uniform_3fps"};
  const auto result = run_program(words);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("3 files: 3 whole, 0 damaged, 0 bad"));
  auto bytes = read_file(folder_ / "d_0_1.mkv");
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2), 400, '\0');
  write(folder_ / "d_0_1.mkv", bytes);
  const auto damaged = run_program(words);
  EXPECT_EQ(damaged.exit_code, 1);
  EXPECT_THAT(damaged.out, HasSubstr("d_0_1.mkv: "));
  EXPECT_THAT(damaged.out, HasSubstr("3 files: 2 whole, "));
}

}  // namespace
}  // namespace glint::test
