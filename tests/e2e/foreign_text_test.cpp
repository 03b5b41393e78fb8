#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "e2e/program.h"
#include "e2e/small_run.h"
#include "e2e/small_video.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "support/environment.h"

// Names and texts of the user's own, as commands meet them.
namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
namespace fs = std::filesystem;

class ForeignTextTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    runs_ = std::make_unique<TemporaryFolder>();
    ASSERT_EQ(run_program(small_training(run(), {"train.max_steps=1", "data.test_split="})).exit_code, 0);
  }
  static void TearDownTestSuite() { runs_.reset(); }
  static std::string run() { return (runs_->path() / "run").string(); }

  std::string in(const std::string& name) const { return (folder_ / name).string(); }
  ProgramResult encode(const std::vector<std::string>& words) const {
    std::vector<std::string> all = {"encode", run(), "--out", in("f.safetensors"), "--json"};
    all.insert(all.end(), words.begin(), words.end());
    return run_program(all, {.environment = {"HOME=" + folder_.path().string()}});
  }
  void expect_refused(const std::vector<std::string>& words, const std::string& sentence) const {
    const auto result = encode(words);
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_THAT(result.err, HasSubstr(sentence));
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_FALSE(fs::exists(in("f.safetensors.parts"))) << "some work was done before";
  }

  static inline std::unique_ptr<TemporaryFolder> runs_;
  const TemporaryFolder folder_;
};

TEST_F(ForeignTextTest, NamesThatAreNotUtf8AreRefusedBeforeTheWork) {
  fs::create_directories(in("clips"));
  small_video(in("clips/a.mp4"));
  fs::copy_file(in("clips/a.mp4"), in("clips/caf\xE9.mp4"));
  expect_refused({"--videos", in("clips")}, "clips/caf?.mp4: the name of this video is not UTF-8");
  write_file(in("list.txt"), "clips/a.mp4\nclips/caf\xE9.mp4\n");
  expect_refused({"--videos", in("list.txt")}, "list.txt:2: is not UTF-8 text: byte 0xE9 after 'clips/caf'");
}

TEST_F(ForeignTextTest, ReportsOnSuchNamesAreJsonAllTheSame) {
  fs::create_directories(in("clips"));
  small_video(in("clips/caf\xE9.mp4"));
  const auto verified = run_program({"data", "verify", in("clips"), "--json"});
  EXPECT_EQ(verified.exit_code, 0) << verified.err;
  EXPECT_EQ(nlohmann::json::parse(verified.out).at("files"), 1);
  EXPECT_EQ(run_program({"frames", in("clips/caf\xE9.mp4"), "--json"}).exit_code, 0);
}

TEST_F(ForeignTextTest, TextsAreLookedAtBeforeTheWork) {
  write_file(in("t.txt"), "a dog\n\xC2\xA0\n");
  expect_refused({"--texts", in("t.txt")}, "t.txt:2: is blank: it holds nothing that a reader sees");
  write_file(in("t.txt"), "a dog\na caf\xE9\n");
  expect_refused({"--texts", in("t.txt")}, "t.txt:2: is not UTF-8 text: byte 0xE9 after 'a caf'");
  write_file(in("t.txt"), "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
  expect_refused({"--texts", in("t.txt")}, "t.txt: is a Git LFS pointer");
}

TEST_F(ForeignTextTest, AListMayNameVideosInTheOtherUnicodeForm) {
  small_video(in("cafe\xCC\x81.mp4"));
  write_file(in("list.txt"),
             "\xEF\xBB\xBF"
             "caf\xC3\xA9.mp4\r\n");
  const auto result = encode({"--videos", in("list.txt")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out).at("videos"), 1);
}

TEST_F(ForeignTextTest, ATildeIsTheHomeFolderInOptionsAndSettings) {
  write_file(in("t.txt"), "a dog\n");
  const auto result = run_program({"encode", run(), "--texts=~/t.txt", "--out=~/new.safetensors"},
                                  {.environment = {"HOME=" + folder_.path().string()}});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(fs::exists(in("new.safetensors")));
  expect_refused({"--texts", "~nobody/t.txt"}, "--texts: '~nobody/t.txt' begins with ~ and a name");
  write_file(in("a.yaml"), "data:\n  root: ~/none\n");
  const auto trained = run_program({"train", in("a.yaml"), "run.dir=~/r", "--dry-run"},
                                   {.environment = {"HOME=" + folder_.path().string()}});
  EXPECT_EQ(trained.exit_code, 1);
  EXPECT_THAT(trained.err, HasSubstr(concat("data.root: ", in("none"), " is not there")));
}

TEST_F(ForeignTextTest, WhatLiesInPlaceOfAVideoIsNamed) {
  write_file(in("a.mp4"), "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
  const auto result = run_program({"frames", in("a.mp4")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(
      result.err,
      HasSubstr("a.mp4: no video that can be opened: it is a Git LFS pointer, not the file that it stands for"));
}

TEST_F(ForeignTextTest, TheNameOfAnArmIsUtf8) {
  const auto result = run_program({"compare", "a\xE9=" + run(), "b=" + run()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("the name of an arm: is not UTF-8 text"));
}

}  // namespace
}  // namespace glint::test
