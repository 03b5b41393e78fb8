#include "datasets/official_set.h"

namespace glint::test {
namespace {

using testing::ElementsAre;

const std::string kTimes = "\t00.01.02.003\t00.01.05.006\t00.01.02.003\t00.01.05.006\t";
const std::string kFirst = "9001_EXAMPLE_MOVIE_00.01.02.003-00.01.05.006";
const std::string kSecond = "9001_EXAMPLE_MOVIE_00.10.00.000-00.10.02.500";
const std::string kQuoted = "9002_OTHER_MOVIE_01.00.00.000-01.00.01.000";

class LsmdcTest : public OfficialSetTest {
 protected:
  LsmdcTest() : OfficialSetTest("lsmdc") {
    write("LSMDC16_annos_training.csv", kFirst + kTimes + "SOMEONE opens a door.\r\n" + kSecond + kTimes +
                                            "SOMEONE's hat falls, and she laughs.\n\n" + kFirst + kTimes +
                                            "He looks back, then leaves.\n\"" + kQuoted + kTimes +
                                            "A sign reads, \"Open.\"\n1012_Unbreakable_00.05.16.065-00.05.21.941" +
                                            kTimes + "Nothing.");
    write_videos({"9001_EXAMPLE_MOVIE/" + kFirst + ".avi", kSecond + ".mp4", kQuoted + ".avi"});
  }
};

TEST_F(LsmdcTest, EveryLineIsAPairAndQuotesAreCharacters) {
  const auto train = load_dataset(config_, "train");
  EXPECT_THAT(numbered_captions(train),
              ElementsAre("0:SOMEONE opens a door.", "0:He looks back, then leaves.",
                          "1:SOMEONE's hat falls, and she laughs.", "2:A sign reads, \"Open.\""));
  EXPECT_THAT(clip_ids(train), ElementsAre(kFirst, kSecond, kQuoted));
  EXPECT_EQ(train.clips[0].file, folder_ / "9001_EXAMPLE_MOVIE" / (kFirst + ".avi"));
  EXPECT_FALSE(train.clips[0].end_s);
  EXPECT_THAT(left_out_ids(train), ElementsAre("1012_Unbreakable_00.05.16.065-00.05.21.941"));
}

TEST_F(LsmdcTest, WhatIsWrongIsOneSentenceWithItsLine) {
  write("LSMDC16_annos_val.csv", kFirst + kTimes + "x\n" + kFirst + "\tno sentence\n");
  expect_refused("val", "LSMDC16_annos_val.csv:2: has 2 fields with TABs between, must have 6");
  write("LSMDC16_annos_val.csv", kFirst + kTimes + "\n");  // the white space at the end goes, as in Python
  expect_refused("val", "LSMDC16_annos_val.csv:1: has 5 fields");
  write("LSMDC16_annos_val.csv", "\"" + kTimes + "x\n");
  expect_refused("val", "LSMDC16_annos_val.csv:1: has no clip id");
  write("LSMDC16_annos_val.csv", "\n");
  expect_refused("val", "LSMDC16_annos_val.csv: holds no clip");
  expect_refused("test", "LSMDC16_challenge_1000_publictect.csv (plain or .gz) is not there");
}

}  // namespace
}  // namespace glint::test
