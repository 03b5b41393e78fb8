#include "datasets/official_set.h"

namespace glint::test {
namespace {

using testing::ElementsAre;

class DidemoTest : public OfficialSetTest {
 protected:
  DidemoTest() : OfficialSetTest("didemo") {
    write("val_list.txt", "1@N00_2_ab.mov\n3@N00_4_cd.\n5@N00_6_ef.avi\n7@N00_8_0a.mp4\n9@N00_1_0b.3gp\n");
    write("val_data.json", R"([{"video": "5@N00_6_ef.avi", "description": "a cat", "times": [[0, 1]]},
      {"video": "1@N00_2_ab.mov", "description": "first\n", "num_segments": 6}, {"video": "x.mov", "description": "unlisted"},
      {"video": "5@N00_6_ef.avi", "description": "sits, \"low\""}, {"video": "3@N00_4_cd.", "description": "dots"},
      {"video": "7@N00_8_0a.mp4", "description": "z"}])");
    write_videos({"1@N00_2_ab.mov.mp4", "deep/3@N00_4_cd.", "5@N00_6_ef.AVI", "7@N00_8_0a.mp4", "x.mov"});
  }
};

TEST_F(DidemoTest, JoinsTheSentencesOfListedVideosInTheOrderOfTheFile) {
  const auto val = load_dataset(config_, "val");
  EXPECT_THAT(numbered_captions(val), ElementsAre("0:a cat sits, \"low\"", "1:first\n", "2:dots", "3:z"));
  EXPECT_EQ(val.protocol, "paragraph");
  for (const auto& clip : val.clips) {
    EXPECT_EQ(clip.start_s, 0);
    EXPECT_EQ(clip.end_s, 31);
  }
  EXPECT_THAT(left_out_ids(val), ElementsAre("9@N00_1_0b.3gp"));
  EXPECT_EQ(val.left_out[0].cause, "listed in val_list.txt, without captions in val_data.json");
}

TEST_F(DidemoTest, FindsFilesUnderEachOfTheirNames) {
  const auto val = load_dataset(config_, "val");
  ASSERT_EQ(val.clips.size(), 4u);
  EXPECT_EQ(val.clips[0].file, folder_ / "5@N00_6_ef.AVI");
  EXPECT_EQ(val.clips[1].file, folder_ / "1@N00_2_ab.mov.mp4");
  EXPECT_EQ(val.clips[2].file, folder_ / "deep/3@N00_4_cd.");
  EXPECT_EQ(val.clips[3].file, folder_ / "7@N00_8_0a.mp4");
  write_videos({"1@N00_2_ab.webm", "3@N00_4_cd..mp4"});
  EXPECT_EQ(load_dataset(config_, "val").clips[2].file, folder_ / "3@N00_4_cd..mp4");  // before one without a name
}

TEST_F(DidemoTest, LabelTablesStandInForTheJsonFile) {
  remove("val_data.json");
  write("didemo_val_label.csv",
        "success,video_path,starts,ends,text,formatted_data\r\n"
        "True,/some/where/5@N00_6_ef.avi,tensor([[0]]),tensor([[31]]),\"a cat sits, \"\"low\"\"\",x.pth\r\n"
        "True,1@N00_2_ab.mov,tensor([0]),tensor([31]),\"first\n\",x.pth\r\n");
  const auto val = load_dataset(config_, "val");
  EXPECT_THAT(numbered_captions(val), ElementsAre("0:a cat sits, \"low\"", "1:first\n"));
  EXPECT_EQ(val.left_out.size(), 3u);
  write("didemo_val_label.csv", "video_path,text\na.mov,x\nb/a.mov,y\n");
  expect_refused("val", "didemo_val_label.csv:3: video 'a.mov' stands twice");
  write("didemo_val_label.csv", "video_path\na.mov\n");
  expect_refused("val", "didemo_val_label.csv: has no column 'text'");
  remove("didemo_val_label.csv");
  expect_refused("val", "didemo_val_label.csv or val_data.json (plain or .gz) is not there");
}

TEST_F(DidemoTest, WhatIsWrongIsOneSentence) {
  write("val_data.json", R"([{"video": "a.mov"}])");
  expect_refused("val", "val_data.json: entry 1 has no text 'description'");
  write("val_data.json", "{}");
  expect_refused("val", "val_data.json: is no list of records");
  write("val_data.json", R"([{"video": "a.mov", "description": "x"}])");
  expect_refused("val", "val_list.txt: none of its videos has captions in");
  remove("val_list.txt");
  expect_refused("val", "val_list.txt (plain or .gz) is not there");
}

}  // namespace
}  // namespace glint::test
