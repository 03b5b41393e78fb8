#include "datasets/official_set.h"
#include "support/python.h"

namespace glint::test {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;

// {"-a_1_2": [["a", "man", "runs"], ["a", "dog"]], "b_c_0_9": [["it", "s", "shell"]], "d_1_2": [["x"]]}
const std::string kPickle =
    "\x80\x03}(X\x06\x00\x00\x00-a_1_2](](X\x01\x00\x00\x00"s
    "aq\x01X\x03\x00\x00\x00manX\x04\x00\x00\x00runse](h\x01X\x03\x00\x00\x00"s
    "dogeeX\x07\x00\x00\x00"s
    "b_c_0_9](](X\x02\x00\x00\x00itX\x01\x00\x00\x00sX\x05\x00\x00\x00shelleeX\x05\x00\x00\x00"s
    "d_1_2](](X\x01\x00\x00\x00xeeu."s;

class MsvdTest : public OfficialSetTest {
 protected:
  MsvdTest() : OfficialSetTest("msvd") {
    write("raw-captions.pkl", kPickle);
    write("train_list.txt", "b_c_0_9\r\n\n  -a_1_2");
    write("val_list.txt", "d_1_2\n");
    write_videos({"videos/more/-a_1_2.avi", "b_c_0_9.MP4"});
  }
};

TEST_F(MsvdTest, GivesEveryCaptionInTheOrderOfTheList) {
  const auto train = load_dataset(config_, "train");
  EXPECT_THAT(numbered_captions(train), ElementsAre("0:it s shell", "1:a man runs", "1:a dog"));
  EXPECT_EQ(train.protocol, "multi_sentence");
  EXPECT_EQ(train.clips[0].file, folder_ / "b_c_0_9.MP4");
  EXPECT_EQ(train.clips[1].file, folder_ / "videos/more/-a_1_2.avi");
  EXPECT_FALSE(train.clips[0].start_s || train.clips[0].end_s);
}

TEST_F(MsvdTest, XPoolsJsonHoldsTheSame) {
  remove("raw-captions.pkl");
  write("captions_msvd.json", R"({"-a_1_2": ["a man runs", "a dog"], "b_c_0_9": ["it s shell"]})");
  EXPECT_THAT(numbered_captions(load_dataset(config_, "train")),
              ElementsAre("0:it s shell", "1:a man runs", "1:a dog"));
  write("captions_msvd.json", R"({"-a_1_2": "a man runs"})");
  expect_refused("train", "captions_msvd.json: video '-a_1_2' has no list of captions");
  write("captions_msvd.json", R"({"-a_1_2": [3]})");
  expect_refused("train", "captions_msvd.json: video '-a_1_2' has a caption that is no text: 3");
  write("captions_msvd.json", "[]");
  expect_refused("train", "captions_msvd.json: is no object of captions by video");
}

TEST_F(MsvdTest, FilesMayLieInTheArchiveTheyCameIn) {
  if (!python_reads_safetensors()) GTEST_SKIP() << kNoPython;
  ASSERT_TRUE(
      run_python("import os, sys, zipfile\n"
                 "os.chdir(sys.argv[1])\n"
                 "with zipfile.ZipFile('msvd_data.zip', 'w', zipfile.ZIP_DEFLATED) as z:\n"
                 "  for name in ('raw-captions.pkl', 'train_list.txt'):\n"
                 "    z.write(name, 'msvd_data/' + name)\n"
                 "    os.remove(name)\n",
                 folder_.path().string()));
  EXPECT_THAT(numbered_captions(load_dataset(config_, "train")),
              ElementsAre("0:it s shell", "1:a man runs", "1:a dog"));
  write("train_list.txt", "unknown");  // a plain file comes first
  expect_refused("train", "video 'unknown' has no captions in raw-captions.pkl");
}

TEST_F(MsvdTest, MissingVideosFollowThePolicyOfTheirUse) {
  EXPECT_THAT([&] { load_dataset(config_, "val"); }, testing::ThrowsMessage<Error>(HasSubstr("1 of 1 videos")));
  write("val_list.txt", "d_1_2\n-a_1_2");
  const auto val = load_dataset(config_, "val");
  EXPECT_THAT(val.missing, ElementsAre("d_1_2"));
  EXPECT_THAT(numbered_captions(val), ElementsAre("0:a man runs", "0:a dog"));
  EvalConfig eval;
  EXPECT_THAT([&] { load_evaluation_set(config_, eval, "val"); },
              testing::ThrowsMessage<Error>(testing::AllOf(
                  HasSubstr("1 of 2 videos of split 'val' are not there: d_1_2"), HasSubstr("eval.on_missing=skip"))));
  eval.on_missing = "skip";
  EXPECT_THAT(load_evaluation_set(config_, eval, "val").missing, ElementsAre("d_1_2"));
  const auto all = read_dataset(config_, "val");
  EXPECT_THAT(clip_ids(all), ElementsAre("d_1_2", "-a_1_2"));
  EXPECT_TRUE(all.clips[0].file.empty());
  config_.videos = "nowhere";
  EXPECT_EQ(read_dataset(config_, "val").clips.size(), 2u);
  expect_refused("val", "nowhere is not there");
}

TEST_F(MsvdTest, WhatIsWrongIsOneSentence) {
  write("train_list.txt", "-a_1_2\nb_c_0_9\n-a_1_2\n");
  expect_refused("train", "train_list.txt:3: video '-a_1_2' stands on line 1 already");
  write("train_list.txt", "-a_1_2\nunknown\n");
  expect_refused("train", "train_list.txt: video 'unknown' has no captions in raw-captions.pkl");
  write("train_list.txt", "\n \n");
  expect_refused("train", "train_list.txt: lists no video");
  write("train_list.txt", "ok\n\xFF\n");
  expect_refused("train", "train_list.txt:2: is not UTF-8 text");
  expect_refused("test", "test_list.txt (plain or .gz) is not there; docs/datasets/msvd.md lists the files of msvd");
  write("train_list.txt", "-a_1_2");
  write("raw-captions.pkl", "cos\nsystem\n.");
  expect_refused("train", "raw-captions.pkl: byte 0: opcode GLOBAL is refused");
  write("raw-captions.pkl", "].");
  expect_refused("train", "raw-captions.pkl: holds a value of type list, not a dict of captions");
  write("raw-captions.pkl", "}K\x01]s.");
  expect_refused("train", "raw-captions.pkl: a key is of type int, not a video's id");
  write("raw-captions.pkl", "}U\x01vNs.");
  expect_refused("train", "video 'v' holds a value of type None, not a list of captions");
  write("raw-captions.pkl", "}U\x01v]U\x01was.");
  expect_refused("train", "video 'v' holds a value of type str where a list of words is expected");
  write("raw-captions.pkl",
        "}U\x01v]]K\x01"
        "aas.");
  expect_refused("train", "video 'v' holds a value of type int where a word is expected");
  config_.protocol = "9k";
  expect_refused("train", "config.data.protocol: msvd has no protocol '9k'; there are multi_sentence");
}

}  // namespace
}  // namespace glint::test
