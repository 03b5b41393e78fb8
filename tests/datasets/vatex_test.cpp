#include "datasets/official_set.h"

namespace glint::test {
namespace {

using testing::ElementsAre;

const std::string kA = "AbCdEfGhIjK_000003_000013", kB = "-bCdEfGhIjK_000000_000010", kC = "_bCdEf_hIjK_000100_000110";

class VatexTest : public OfficialSetTest {
 protected:
  VatexTest() : OfficialSetTest("vatex") {
    write("train_list.txt", kA + "\n");
    write("val_list.txt", kB + "\n");
    write("test_list.txt", kC + "\n");
    write("test1k5_sec_list.txt", kB + "\n");
    write_videos({kA + ".mp4", "val/" + kB + ".webm", kC + ".mkv"});
  }
  void write_official() const {
    write("vatex_training_v1.0.json",
          R"([{"videoID": ")" + kA + R"(", "enCap": ["A man, in a hat, says \"hi\".", "two"], "chCap": ["\u4e00"]}])");
    write("vatex_validation_v1.0.json", R"([{"videoID": ")" + kB + R"(", "enCap": ["b"], "chCap": ["z"]},
      {"videoID": ")" + kC + R"(", "enCap": ["c", "cc"], "chCap": ["zz"]}])");
  }
};

TEST_F(VatexTest, ReadsEachFormOfTheCaptions) {
  write_official();
  auto train = load_dataset(config_, "train");
  EXPECT_THAT(numbered_captions(train), ElementsAre("0:A man, in a hat, says \"hi\".", "0:two"));
  EXPECT_EQ(train.protocol, "hgr, en, multi_sentence");
  EXPECT_THAT(numbered_captions(load_dataset(config_, "test")), ElementsAre("0:c", "0:cc"));
  config_.language = "zh";
  train = load_dataset(config_, "train");
  EXPECT_THAT(numbered_captions(train), ElementsAre("0:一"));
  EXPECT_EQ(train.protocol, "hgr, zh, multi_sentence");

  write("vatex_data.json", "{\"" + kA + "\": {\"enCap\": [\"by id\"], \"chCap\": [\"zh\"]}}");
  EXPECT_THAT(numbered_captions(load_dataset(config_, "train")), ElementsAre("0:zh"));
  for (const char* file : {"vatex_data.json", "vatex_training_v1.0.json", "vatex_validation_v1.0.json"}) remove(file);
  write("ref_captions.json", "{\"" + kA + "\": [\"ref\", \"ref\"]}");
  expect_refused("train", "ref_captions.json: holds English captions alone, and data.language is zh");
  config_.language = "en";
  EXPECT_THAT(numbered_captions(load_dataset(config_, "train")), ElementsAre("0:ref", "0:ref"));
  remove("ref_captions.json");
  write("raw-captions.pkl", "(S'" + kA + "'\n](]S'a'\naS'b'\naed.");
  EXPECT_THAT(numbered_captions(load_dataset(config_, "train")), ElementsAre("0:a b"));
  remove("raw-captions.pkl");
  expect_refused("train", "ref_captions.json or raw-captions.pkl or vatex_data.json or vatex_training_v1.0.json");
}

TEST_F(VatexTest, TheRandomSplitTestsItsListAndValidatesOnTheRest) {
  write_official();
  config_.protocol = "1k5";
  EXPECT_THAT(clip_ids(load_dataset(config_, "test")), ElementsAre(kB));
  EXPECT_THAT(clip_ids(load_dataset(config_, "val")), ElementsAre(kC));
  EXPECT_THAT(clip_ids(load_dataset(config_, "train")), ElementsAre(kA));
  config_.protocol = "hgr";
  remove("test_list.txt");
  write("val_list_split2.txt", kC);  // CE's name
  EXPECT_THAT(clip_ids(load_dataset(config_, "test")), ElementsAre(kC));
  config_.protocol = "2k";
  expect_refused("test", "config.data.protocol: vatex has no protocol '2k'; there are hgr, 1k5");
}

TEST_F(VatexTest, WhatIsWrongIsOneSentence) {
  write("vatex_data.json", "{\"" + kA + "\": {\"chCap\": []}}");
  expect_refused("train", "vatex_data.json: video '" + kA + "' has no 'enCap'");
  write("vatex_data.json", "{\"" + kA + "\": {\"enCap\": \"a\"}}");
  expect_refused("train", "' has no list of captions");
  write("vatex_data.json", "{\"" + kB + "\": {\"enCap\": [\"b\"]}}");
  expect_refused("train", "train_list.txt: video '" + kA + "' has no captions in vatex_data.json");
  write("vatex_data.json", "[{\"videoID\": 3}]");
  expect_refused("train", "vatex_data.json: entry 1 has no text 'videoID'");
  write("vatex_data.json", "[{\"videoID\": \"a\", \"enCap\": [\"x\"]}, {\"videoID\": \"a\", \"enCap\": [\"x\"]}]");
  expect_refused("train", "vatex_data.json: entry 2 stands twice");
  write("vatex_data.json", "{\"a\": [3]}");
  expect_refused("train", "has a caption that is no text: 3");
}

}  // namespace
}  // namespace glint::test
