#include "datasets/official_set.h"

namespace glint::test {
namespace {

using testing::ElementsAre;

class ActivityNetTest : public OfficialSetTest {
 protected:
  ActivityNetTest() : OfficialSetTest("activitynet") {
    config_.val_split = "";
    write("train_ids.json", R"(["v_v_000000002", "v_-0000000001", "v_00000000003", "v_00000000004"])");
    write("train.json",
          R"({"v_-0000000001": {"duration": 55.15, "timestamps": [[0, 2.5]], "sentences": ["One.", "  Two."]},
      "v_00000000003": {"duration": 2, "timestamps": [], "sentences": ["Three \u00e9."]},
      "v_v_000000002": {"duration": 9.99, "sentences": ["A.", "B."]}})");
    write_videos({"-0000000001.mp4", "v_v_000000002.mkv", "sub/v_00000000003.MP4"});
  }
};

TEST_F(ActivityNetTest, GivesParagraphsInTheOrderOfTheIds) {
  const auto train = load_dataset(config_, "train");
  EXPECT_THAT(clip_ids(train), ElementsAre("v_v_000000002", "v_-0000000001", "v_00000000003"));
  EXPECT_THAT(numbered_captions(train), ElementsAre("0:A. B.", "1:One.   Two.", "2:Three é."));
  EXPECT_EQ(train.clips[0].end_s, 10);
  EXPECT_EQ(train.clips[1].end_s, 56);
  EXPECT_EQ(train.clips[2].end_s, 2);
  EXPECT_EQ(train.clips[2].start_s, 0);
  EXPECT_THAT(left_out_ids(train), ElementsAre("v_00000000004"));
  EXPECT_EQ(train.protocol, "paragraph");
}

TEST_F(ActivityNetTest, FindsFilesWithAndWithoutTheirV) {
  EXPECT_EQ(load_dataset(config_, "train").clips[0].file, folder_ / "v_v_000000002.mkv");
  EXPECT_EQ(load_dataset(config_, "train").clips[1].file, folder_ / "-0000000001.mp4");
  EXPECT_EQ(load_dataset(config_, "train").clips[2].file, folder_ / "sub/v_00000000003.MP4");
  remove("v_v_000000002.mkv");
  write_videos({"v_000000002.mp4"});  // its first two letters are its own
  EXPECT_EQ(load_dataset(config_, "train").clips[0].file, folder_ / "v_000000002.mp4");
}

TEST_F(ActivityNetTest, WhatIsWrongIsOneSentence) {
  expect_refused("val", "activitynet has no split 'val'; there are train, test; set data.val_split to \"\"");
  expect_refused("test", "val_1.json (plain or .gz) is not there");
  remove("train_ids.json");
  write("train_list.txt", "v_00000000003\n");  // of CE
  EXPECT_EQ(load_dataset(config_, "train").clips.size(), 1u);
  write("train_ids.json", R"(["v_00000000003", "v_00000000003"])");
  expect_refused("train", "train_ids.json:2: video 'v_00000000003' stands on line 1 already");
  write("train_ids.json", R"(["v_00000000003", 4])");
  expect_refused("train", "train_ids.json: entry 2 is no text but 4");
  write("train_ids.json", R"(["v_00000000003"])");
  write("train.json", R"({"v_00000000003": {"sentences": []}})");
  expect_refused("train", "train.json: video 'v_00000000003' has no number 'duration'");
  write("train.json", R"({"v_00000000003": {"duration": -1, "sentences": []}})");
  expect_refused("train", "train.json: video 'v_00000000003' has a duration of -1 s");
  write("train.json", R"({"v_00000000003": {"duration": 1}})");
  expect_refused("train", "has no list 'sentences'");
  write("train.json", R"({"v_00000000003": {"duration": 1, "sentences": []}})");
  expect_refused("train", "train_ids.json: none of its videos has captions in");
  write("train.json", R"({"v_00000000003": {"duration": 1, "sentences": [null]}})");
  expect_refused("train", "has a sentence that is no text: null");
}

}  // namespace
}  // namespace glint::test
