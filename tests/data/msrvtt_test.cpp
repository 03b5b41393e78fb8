#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "glint/core/error.h"
#include "glint/data/dataset.h"
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
  config_.protocol = "7k";
  expect_refused("train", "MSR-VTT's MSRVTT_train.7k.csv (or MSRVTT_train.7k.csv.gz) is not there");
  expect_refused("dev", "msrvtt has no split 'dev'; there are train, val, test");
  config_.videos = "videos";
  expect_refused("test", "videos: cannot be listed as the folder of videos: No such file or directory");
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

TEST(MsrvttFilesTest, CountsAreThePublishedOnes) {
  const auto shared = shared_dir();
  if (!shared) GTEST_SKIP() << "GLINT_SHARED_DIR is not set and ../shared is not there";
  const TemporaryFolder videos;
  for (int i = 0; i < 10'000; ++i) std::ofstream(videos / ("video" + std::to_string(i) + ".mp4"));
  DataConfig config;
  config.name = "msrvtt";
  config.root = (*shared / "data/annotations/msrvtt").string();
  config.videos = videos.path().string();
  struct Row {
    std::string protocol, val_split, split;
    std::size_t clips, captions;
  };
  const std::vector<Row> rows = {
      {"9k", "", "train", 9000, 180'000},    {"9k", "val", "train", 8503, 170'060},   {"9k", "val", "test", 1000, 1000},
      {"7k", "", "train", 7010, 140'200},    {"full", "val", "train", 6513, 130'260}, {"full", "val", "val", 497, 9940},
      {"full", "val", "test", 2990, 59'800},
  };
  for (const auto& row : rows) {
    config.protocol = row.protocol;
    config.val_split = row.val_split;
    const auto dataset = load_dataset(config, row.split);
    EXPECT_EQ(dataset.clips.size(), row.clips) << row.protocol << " " << row.split;
    EXPECT_EQ(dataset.captions.size(), row.captions) << row.protocol << " " << row.split;
    EXPECT_TRUE(dataset.missing.empty());
  }
  config.protocol = "9k";
  const auto test = load_dataset(config, "test");
  EXPECT_EQ(test.clips[0].id, "video9770");
  EXPECT_EQ(test.captions[0].text, "a person is connecting something to system");
}

}  // namespace
}  // namespace glint::test
