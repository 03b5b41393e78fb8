#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/datasets/dataset.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::ThrowsMessage;

class ManifestTest : public testing::Test {
 protected:
  ManifestTest() {
    for (const char* name : {"a.mp4", "b.avi", "c.MOV"}) std::ofstream(folder_ / name) << "not read here";
    config_.root = folder_.path().string();
  }
  Dataset load(const std::string& name, const std::string& text, const std::string& split = "train") {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    config_.annotations = name;
    return load_dataset(config_, split);
  }
  void expect_refused(const std::string& name, const std::string& text, const std::string& sentence) {
    EXPECT_THAT([&] { load(name, text); }, ThrowsMessage<Error>(EndsWith(name + sentence))) << text.substr(0, 200);
  }
  static std::vector<std::string> texts(const Dataset& dataset) {
    std::vector<std::string> texts;
    for (const auto& caption : dataset.captions) texts.push_back(concat(caption.clip, ":", caption.text));
    return texts;
  }
  TemporaryFolder folder_;
  DataConfig config_;
};

TEST_F(ManifestTest, ReadsAJsonArray) {
  const auto dataset = load("m.json", R"([
    {"video": "a.mp4", "captions": ["a dog", {"text": "a hound", "source": "looked"}], "split": "train", "tags": ["order"]},
    {"file": "b", "caption": "a cat", "start_s": 1, "end_s": 2.5, "extra": {"deep": [1]}},
    {"video": "c", "caption": "a cow", "split": "test", "id": 7}
  ])");
  EXPECT_EQ(dataset.name, "manifest");
  EXPECT_EQ(dataset.split, "train");
  EXPECT_EQ(dataset.protocol, "m.json");
  EXPECT_THAT(texts(dataset), ElementsAre("0:a dog", "0:a hound", "1:a cat"));
  ASSERT_EQ(dataset.clips.size(), 2u);
  EXPECT_EQ(dataset.clips[0].id, "a.mp4");
  EXPECT_EQ(dataset.clips[0].file, folder_ / "a.mp4");
  EXPECT_THAT(dataset.clips[0].tags, ElementsAre("order"));
  EXPECT_EQ(dataset.clips[1].id, "b@1-2.5");
  EXPECT_EQ(dataset.clips[1].file, folder_ / "b.avi");
  EXPECT_EQ(dataset.clips[1].start_s, 1);
  EXPECT_EQ(dataset.clips[1].end_s, 2.5);
  const auto test = load_dataset(config_, "test");
  EXPECT_EQ(test.clips[0].id, "7");
  EXPECT_EQ(test.clips[0].file, folder_ / "c.MOV");
}

TEST_F(ManifestTest, ReadsJsonLinesAndCsvAlike) {
  const auto lines =
      load("m.jsonl",
           "{\"video\": \"a.mp4\", \"caption\": \"one, two\", \"start_s\": 0.5, \"tags\": [\"x\", \"y\"]}\r\n\n"
           "{\"video\": \"b.avi\", \"caption\": \"three\"}\n"
           "{\"video\": \"a.mp4\", \"caption\": \"four\", \"start_s\": 0.5}");
  const auto table = load("m.csv",
                          "video,caption,start_s,split,tags\n"
                          "a.mp4,\"one, two\",0.5,,x;y\n"
                          "b.avi,three,,,\n"
                          "a.mp4,four,5e-1,,\n");
  EXPECT_THAT(texts(lines), ElementsAre("0:one, two", "0:four", "1:three"));
  EXPECT_EQ(texts(lines), texts(table));
  for (const auto* dataset : {&lines, &table}) {
    EXPECT_EQ(dataset->clips[0].start_s, 0.5);
    EXPECT_FALSE(dataset->clips[0].end_s);
    EXPECT_THAT(dataset->clips[0].tags, ElementsAre("x", "y"));
    EXPECT_THAT(dataset->protocol, EndsWith(", all rows (it names no splits)"));
  }
  EXPECT_EQ(texts(load_dataset(config_, "test")), texts(table));
}

TEST_F(ManifestTest, SettingsNameTheSplits) {
  const std::string text = "file,caption,split\na.mp4,x,one\nb.avi,y,two\nc.MOV,z,\n";
  config_.train_split = "one";
  EXPECT_THAT(texts(load("m.csv", text)), ElementsAre("0:x", "1:z"));
  EXPECT_THAT(texts(load("m.csv", text, "two")), ElementsAre("0:y"));
  EXPECT_THAT([&] { load("m.csv", text, "val"); },
              ThrowsMessage<Error>(EndsWith(
                  "m.csv: no entry has the split 'val' that data.val_split asks for; there are 'one', 'two'")));
  config_.val_split = "";
  EXPECT_THAT([&] { load("m.csv", text, "val"); },
              ThrowsMessage<Error>(EndsWith("m.csv: no entry has the split 'val'; there are 'one', 'two'")));
  EXPECT_THAT([&] { load("m.csv", text, ""); }, ThrowsMessage<Error>(HasSubstr("data.val_split is empty")));
}

TEST_F(ManifestTest, ASettingMayNameASplitAsAnotherSettingIsNamed) {
  const std::string text = "file,caption,split\na.mp4,x,train\nb.avi,y,val\n";
  config_.val_split = "";
  config_.test_split = "val";
  EXPECT_THAT(texts(load("m.csv", text, "val")), ElementsAre("0:y"));
  EXPECT_THAT([&] { load("m.csv", "file,caption,split\na.mp4,x,train\n", "val"); },
              ThrowsMessage<Error>(HasSubstr("no entry has the split 'val' that data.test_split asks for")));
  config_.holdout = 0.25;
  EXPECT_THAT([&] { load("m.csv", "file,caption\na.mp4,x\n", "test2"); },
              ThrowsMessage<Error>(EndsWith("makes the splits 'train', '' and 'val', not 'test2'")));
}

TEST_F(ManifestTest, WhatIsWrongWithAnEntryIsOneSentenceWithItsPlace) {
  expect_refused("m.csv", "video,caption\na.mp4,x\nb.avi,\n", ":3: a caption is empty");
  expect_refused("m.json", R"([{"video": "a.mp4", "captions": ["x", " \t"]}])", ": entry 1: a caption is empty");
  expect_refused("m.json", R"([{"video": "a.mp4", "caption": "x"}, {"video": "a.mp4", "captions": []}])",
                 ": entry 2: has no caption: its list is empty");
  expect_refused("m.jsonl", "{\"video\": \"a.mp4\", \"caption\": \"x\"}\n{\"video\": \"a.mp4\"}\n",
                 ":2: has no caption (field 'caption' or 'captions')");
  expect_refused("m.json", R"([{"path": "a.mp4", "caption": "x"}])",
                 ": entry 1: has no field 'video' (or 'file'), only: caption, path");
  expect_refused("m.csv", "path;caption\na.mp4;x\n", ":2: has no field 'video' (or 'file'), only: path;caption");
  expect_refused("m.json", R"([{"video": 3, "caption": "x"}])", ": entry 1: video must be text, is 3");
  expect_refused("m.json", R"([{"video": "", "caption": "x"}])", ": entry 1: video is empty");
  expect_refused("m.json", R"([{"video": "a\u0000.mp4", "caption": "x"}])", ": entry 1: video holds a NUL");
  expect_refused("m.json", R"([{"video": "a.mp4", "caption": 3}])", ": entry 1: a caption must be text, is 3");
  expect_refused("m.json", R"([{"video": "a.mp4", "captions": [{"txt": "x"}]}])", ": entry 1: a caption has no 'text'");
  expect_refused("m.json", R"([{"video": "a.mp4", "caption": "x", "captions": ["y"]}])",
                 ": entry 1: has both 'caption' and 'captions'");
  expect_refused("m.json", R"([{"video": "a.mp4", "caption": "x", "start_s": "1"}])",
                 ": entry 1: start_s must be a number of seconds, is \"1\"");
  expect_refused("m.csv", "video,caption,end_s\na.mp4,x,soon\n", ":2: end_s must be a number of seconds, is \"soon\"");
  expect_refused("m.csv", "video,caption,end_s\na.mp4,x,nan\n", ":2: end_s is nan, which is no time in a video");
  expect_refused("m.json", R"([{"video": "a.mp4", "caption": "x", "start_s": -1}])",
                 ": entry 1: start_s is -1, which is no time in a video");
  expect_refused("m.json", R"([{"video": "a.mp4", "caption": "x", "start_s": 2, "end_s": 2}])",
                 ": entry 1: end_s is 2, not after start_s, 2");
  expect_refused("m.json", R"([{"video": "a.mp4", "caption": "x", "split": ["a"]}])",
                 ": entry 1: split must be text, is [\"a\"]");
  expect_refused("m.json", R"([3])", ": entry 1: is not an object with fields");
  EXPECT_THAT(
      [&] {
        load("m.json", R"([{"video": "a.mp4", "caption": "x", "id": 1}, {"video": "b.avi", "caption": "x", "id": 1}])");
      },
      ThrowsMessage<Error>(AllOf(HasSubstr("m.json: entry 2: id '1' stands for another video or window than at "),
                                 EndsWith("m.json: entry 1"))));
}

TEST_F(ManifestTest, WhatIsNoManifestIsRefused) {
  expect_refused(
      "m.json", "[{\"video\": \"a.mp4\",\n \"caption\": \"x\"\n \"y\"}]",
      ":3: is not JSON: a comma is missing (column 2, entry 1; near '.mp4\",  \"caption\": \"x\"  \"y\"}]')");
  expect_refused("m.json", "", ": holds no entry");
  expect_refused("m.json", "[]", ": holds no entry");
  expect_refused("m.json", "nothing", ":1: is not JSON: 'nothing' is no value of JSON (column 1; near 'nothing')");
  expect_refused("m.json", "{\n \"a\": 1}",
                 ": is one JSON object; a manifest is a list of objects, or one object a line");
  expect_refused("m.json", "{\n \"a\": 1,}",
                 ":2: is not JSON: a comma stands before the closing bracket (column 9, 'a'; near '{  \"a\": 1,}')");
  expect_refused("m.jsonl", "{\n \"a\": 1}",
                 ":1: is not JSON: the file ends early; it may be cut off (column 2; near '{')");
  expect_refused("m.json", "[{\"video\": \"a\", \"caption\": \"x\"}, {\"video\": \"a\", \"video\": \"b\"}]",
                 ": entry 2: key 'video' stands twice in one object");
  expect_refused("m.json", "[{\"video\": \"a.mp4\", \"caption\": \"caf\xE9\"}]",
                 ":1: is not UTF-8 text: byte 0xE9 after 'p4\", \"caption\": \"caf'; write it as UTF-8");
  expect_refused("m.json", std::string(1'000'000, '['), ": entry 1: is nested too deeply");
  expect_refused("m.csv", "video,caption\na.mp4\n",
                 ":2: has 1 fields, the header has 2 (a comma inside a field needs quotes around it)");
  expect_refused("m.txt", "a", ": a manifest is a .json, .jsonl or .csv file");
  config_.annotations = "none.json";
  EXPECT_THAT([&] { load_dataset(config_, "train"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("data.annotations: "), EndsWith("none.json is not there"))));
  config_.annotations = "";
  EXPECT_THAT([&] { load_dataset(config_, "train"); },
              ThrowsMessage<Error>(HasSubstr("holds no manifest.json, manifest.jsonl or manifest.csv")));
}

TEST_F(ManifestTest, AFolderThatIsNotThereIsToldAsThat) {
  write_file(folder_ / "m.csv", "video,caption\ngone.mp4,x\n");
  config_.annotations = "m.csv";
  config_.videos = "clips";
  EXPECT_THAT([&] { load_dataset(config_, "train"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("data.videos: "), EndsWith("clips is not there"))));
  config_.root = (folder_ / "none").string();
  EXPECT_THAT([&] { load_dataset(config_, "train"); },
              ThrowsMessage<Error>(concat("data.root: ", config_.root, " is not there")));
}

TEST_F(ManifestTest, WhatLiesInPlaceOfAManifestIsNamed) {
  expect_refused("m.json", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
                 ": is a Git LFS pointer, not the file that it stands for; git lfs pull fetches that");
  expect_refused("m.csv", "PK\x03\x04 and more",
                 ": is a zip archive (an .xlsx or .docx file is one too); unpack it, or name what it holds");
}

TEST_F(ManifestTest, NamesAreFoundInTheOtherUnicodeForm) {
  const std::string composed = "caf\xC3\xA9", decomposed = "cafe\xCC\x81";
  const auto file_of = [&](const std::string& in_manifest, const std::string& on_disk) {
    std::filesystem::create_directories((folder_ / on_disk).parent_path());
    write_file(folder_ / on_disk, "");
    const auto dataset = load("m.csv", concat("video,caption\n", in_manifest, ",x\n"));
    std::filesystem::remove_all(folder_ / std::filesystem::path(on_disk).begin()->string());
    return dataset.clips.at(0).file;
  };
  EXPECT_EQ(file_of(composed + ".mp4", decomposed + ".mp4"), folder_ / (decomposed + ".mp4"));
  EXPECT_EQ(file_of(decomposed + ".mp4", composed + ".mp4"), folder_ / (composed + ".mp4"));
  EXPECT_EQ(file_of(composed, decomposed + ".MKV"), folder_ / (decomposed + ".MKV"));
  EXPECT_EQ(file_of(composed + "/x.mp4", decomposed + "/x.mp4"), folder_ / decomposed / "x.mp4");
  write_file(folder_ / (decomposed + ".mp4"), "");  // the one that is written alike wins
  EXPECT_EQ(file_of(composed + ".mp4", composed + ".mp4"), folder_ / (composed + ".mp4"));
}

TEST_F(ManifestTest, CaptionsAndIdsThatNobodySeesAreRefusedWithTheirRow) {
  expect_refused("m.csv", "video,caption\na.mp4,x\na.mp4,\xC2\xA0\n",
                 ":3: a caption is blank: it holds nothing that a reader sees (no-break spaces, say)");
  expect_refused("m.json", "[{\"video\": \"a.mp4\", \"captions\": [\"x\", \"\\u200b\"]}]",
                 ": entry 1: a caption is blank: it holds nothing that a reader sees (no-break spaces, say)");
  expect_refused("m.jsonl", "{\"video\": \"a.mp4\", \"caption\": \"x\", \"id\": \"\xEF\xBB\xBF\"}",
                 ":1: id is blank: it holds nothing that a reader sees");
}

TEST_F(ManifestTest, ACsvMayHaveBlanksAfterItsCommasAndTheLineEndsOfOldMacintoshes) {
  const auto dataset = load("m.csv", "video, caption, split\ra.mp4, \"a dog, brown\", train\rb, a cat ,test\r");
  EXPECT_THAT(texts(dataset), ElementsAre("0:a dog, brown"));
  EXPECT_THAT(texts(load_dataset(config_, "test")), ElementsAre("0: a cat "));
}

TEST_F(ManifestTest, WindowsKeepAllTheirDigitsInIds) {
  const auto dataset = load("m.json", R"([
    {"video": "a.mp4", "caption": "x", "start_s": 5023.872, "end_s": 5030.1},
    {"video": "a.mp4", "caption": "y", "start_s": 5023.8721, "end_s": 5030.1},
    {"video": "a.mp4", "caption": "z", "start_s": 100000}])");
  EXPECT_EQ(dataset.clips.at(0).id, "a.mp4@5023.872-5030.1");
  EXPECT_EQ(dataset.clips.at(1).id, "a.mp4@5023.8721-5030.1");
  EXPECT_EQ(dataset.clips.at(2).id, "a.mp4@100000-");
}

TEST_F(ManifestTest, EachCaptionHasTheTagsOfItsRowAndAClipThoseOfAllItsRows) {
  const auto dataset = load("m.json", R"([
    {"video": "a.mp4", "caption": "x", "tags": ["color"]},
    {"video": "a.mp4", "caption": "y", "tags": ["motion", "color"]},
    {"video": "a.mp4", "caption": "z"}])");
  EXPECT_THAT(dataset.captions.at(0).tags, ElementsAre("color"));
  EXPECT_THAT(dataset.captions.at(1).tags, ElementsAre("motion", "color"));
  EXPECT_THAT(dataset.captions.at(2).tags, ElementsAre());
  EXPECT_THAT(dataset.clips.at(0).tags, ElementsAre("color", "motion"));
}

TEST_F(ManifestTest, AVideoThatTrainsAndTestsIsWarnedOfWhateverItsIds) {
  const auto training = load("m.json", R"([
    {"video": "a.mp4", "caption": "x", "end_s": 3, "split": "train"},
    {"video": "a.mp4", "caption": "y", "start_s": 3, "split": "test"},
    {"video": "b.avi", "caption": "z", "split": "test"}])");
  testing::internal::CaptureStderr();
  warn_of_overlap(training, load_dataset(config_, "test"), "test");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("1 of 2 test clips are of videos that train too, so the test results say little"));
}

TEST_F(ManifestTest, TheListOfIdsMayBeOfTheOtherUnicodeForm) {
  const std::string composed = "caf\xC3\xA9", decomposed = "cafe\xCC\x81";
  write_file(folder_ / "m.csv", concat("video,caption,id\na.mp4,x,", composed, "\nb,y,b\n"));
  config_.annotations = "m.csv";
  EvalConfig eval;
  eval.ids = (folder_ / "ids.txt").string();
  write_file(eval.ids, decomposed + "\r\n");
  EXPECT_THAT(texts(load_evaluation_set(config_, eval, "train")), ElementsAre("0:x"));
  const auto refused = [&](const std::string& ids, const std::string& sentence) {
    write_file(eval.ids, ids);
    EXPECT_THAT([&] { load_evaluation_set(config_, eval, "train"); }, ThrowsMessage<Error>(HasSubstr(sentence)));
  };
  refused("b\nd\n", "ids.txt:2: the split 'train' of manifest has no video 'd'");
  refused("b\nb\n", "ids.txt:2: the id 'b' stands on line 1 too");
  refused("b\n\xE2\x80\x8B\n", "ids.txt:2: the id is blank");
  refused("b\n\xFF\n", "ids.txt:2: is not UTF-8 text");
  refused("<html>", "ids.txt: is an HTML page");
}

TEST_F(ManifestTest, MissingVideosFollowThePolicy) {
  const std::string text = "video,caption\nnone.mp4,x\na.mp4,y\ngone.mp4,z\n";
  const auto dataset = load("manifest.csv", text);
  EXPECT_THAT(texts(dataset), ElementsAre("0:y"));
  EXPECT_THAT(dataset.missing, ElementsAre("none.mp4", "gone.mp4"));
  config_.annotations = "";  // found by its name
  EXPECT_THAT(texts(load_dataset(config_, "train")), ElementsAre("0:y"));
  config_.on_bad_file = "fail";
  EXPECT_THAT([&] { load("m.csv", text); },
              ThrowsMessage<Error>(HasSubstr("2 of 3 videos of split 'train' are not there: none.mp4, gone.mp4")));
  config_.on_bad_file = "skip";
  EXPECT_THAT([&] { load("m.csv", "video,caption\nnone.mp4,x\n"); }, ThrowsMessage<Error>(HasSubstr("1 of 1 videos")));
}

TEST_F(ManifestTest, ACaptionOfTenThousandWordsIsKeptWhole) {
  std::string caption;
  for (int i = 0; i < 10'000; ++i) caption += "word ";
  EXPECT_EQ(load("m.csv", "video,caption\na.mp4," + caption + "\n").captions[0].text, caption);
}

TEST(RealClipsTest, TheirCaptionsFileIsAManifest) {
  const auto shared = shared_dir();
  if (!shared) GTEST_SKIP() << kNoSharedDir;
  DataConfig config;
  config.annotations = (*shared / "data/real_clips/captions.json").string();
  config.on_bad_file = "fail";
  const auto dataset = load_dataset(config, "train");
  EXPECT_EQ(dataset.clips.size(), 40u);
  EXPECT_EQ(dataset.captions.size(), 294u);
}

}  // namespace
}  // namespace glint::test
