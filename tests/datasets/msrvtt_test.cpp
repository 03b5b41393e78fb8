#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "glint/core/error.h"
#include "glint/datasets/dataset.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// A data set of four videos in MSR-VTT's files.
class MsrvttTest : public testing::Test {
 protected:
  MsrvttTest() {
    config_.name = "msrvtt";
    config_.root = folder_.path().string();
    write("MSRVTT_data.json", R"({"info": {}, "videos": [], "sentences": [
      {"caption": "four a", "video_id": "video4", "sen_id": 0}, {"caption": "zero a", "video_id": "video0", "sen_id": 1},
      {"caption": "one a", "video_id": "video1", "sen_id": 2}, {"caption": "zero b", "video_id": "video0", "sen_id": 3}]})");
    write("MSRVTT_train.9k.csv", "video_id\nvideo0\nvideo1\n");
    write("MSRVTT_val.full.csv", "video_id\nvideo1\n");
    write("MSRVTT_JSFUSION_test.csv",
          "key,vid_key,video_id,sentence\nret0,msr3,video3,three is asked\nret1,msr4,video4,four is asked\n");
    for (const char* name : {"video0.mp4", "video1.webm", "video1.mp4", "video3.AVI", "video4.gif", "video4.txt"}) {
      write(name, "");
    }
  }
  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  void expect_refused(const std::string& split, const std::string& sentence) {
    EXPECT_THAT([&] { load_dataset(config_, split); }, ThrowsMessage<Error>(HasSubstr(sentence)));
  }
  TemporaryFolder folder_;
  DataConfig config_;
};

TEST_F(MsrvttTest, ReadsListsAndCaptionsInTheirOrder) {
  config_.val_split = "";
  const auto train = load_dataset(config_, "train");
  EXPECT_EQ(train.protocol, "9k");
  ASSERT_EQ(train.clips.size(), 2u);
  EXPECT_EQ(train.clips[1].file, folder_ / "video1.mp4");
  ASSERT_EQ(train.captions.size(), 3u);
  EXPECT_EQ(train.captions[1].text, "zero b");
  EXPECT_EQ(train.captions[2].clip, 1);
  const auto test = load_dataset(config_, "test");
  EXPECT_EQ(test.protocol, "1k-A");
  EXPECT_EQ(test.clips[0].file, folder_ / "video3.AVI");
  EXPECT_EQ(test.captions[1].text, "four is asked");
}

TEST_F(MsrvttTest, ValIsHeldOutOfTrainWhereItIsChosen) {
  const auto train = load_dataset(config_, "train");
  EXPECT_EQ(train.protocol, "9k without val");
  EXPECT_EQ(train.clips.size(), 1u);
  EXPECT_EQ(load_dataset(config_, "val").clips[0].id, "video1");
}

TEST_F(MsrvttTest, WhatIsMissingIsNamed) {
  write("MSRVTT_train.9k.csv", "video_id\nvideo0\nvideo7\n");
  expect_refused("train", "video 'video7' has no captions in MSRVTT_data.json");
  write("MSRVTT_train.9k.csv", "video\nvideo0\n");
  expect_refused("train", "MSRVTT_train.9k.csv: has no column 'video_id'");
  write("MSRVTT_data.json", R"({"sentences": [{"caption": "x"}]})");
  expect_refused("val", "MSRVTT_data.json: sentence 1 has no text 'video_id'");
  write("MSRVTT_data.json", "[]");
  expect_refused("val", "MSRVTT_data.json: has no list 'sentences'");
  config_.protocol = "8k";
  expect_refused("train", "config.data.protocol: msrvtt has no protocol '8k'; there are 9k, 7k, full");
  config_.protocol = "7k";
  expect_refused("train", "MSRVTT_train.7k.csv (plain or .gz) is not there; docs/datasets/msrvtt.md lists the files");
  expect_refused("dev", "msrvtt has no split 'dev'; there are train, val, test");
  config_.videos = "videos";
  expect_refused("test", "videos is not there");
  config_.val_split = "dev";
  expect_refused("test", "msrvtt has the splits train, val and test");
}

TEST_F(MsrvttTest, AVideoListedTwiceIsRefusedWithItsLines) {
  const std::string once = "already; a video may be listed once";
  write("MSRVTT_train.9k.csv", "video_id\nvideo0\nvideo1\n\nvideo0\n");
  expect_refused("train", "MSRVTT_train.9k.csv:5: video 'video0' stands on line 2 " + once);
  write("MSRVTT_val.full.csv", "video_id\nvideo1\nvideo1\n");
  expect_refused("val", "MSRVTT_val.full.csv:3: video 'video1' stands on line 2 " + once);
  expect_refused("train", "MSRVTT_val.full.csv:3");  // the list that is held out
  write("MSRVTT_JSFUSION_test.csv", "video_id,sentence\nvideo3,three\nvideo4,four\nvideo3,another\n");
  expect_refused("test", "MSRVTT_JSFUSION_test.csv:4: video 'video3' stands on line 2 " + once);
}

TEST_F(MsrvttTest, TheTwoOfficialFilesStandInForTheJoinedOne) {
  const std::string joined = R"({"sentences": [{"caption": "one a", "video_id": "video1"}]})";
  std::filesystem::remove(folder_ / "MSRVTT_data.json");
  expect_refused(
      "val",
      "MSRVTT_data.json or train_val_videodatainfo.json and test_videodatainfo.json (plain or .gz) is not there");
  write("test_videodatainfo.json", R"({"sentences": [{"caption": "four a", "video_id": "video4"}]})");
  expect_refused("val", "video 'video1' has no captions in test_videodatainfo.json");
  write("train_val_videodatainfo.json", joined);
  EXPECT_EQ(load_dataset(config_, "val").captions[0].text, "one a");
}

}  // namespace
}  // namespace glint::test
