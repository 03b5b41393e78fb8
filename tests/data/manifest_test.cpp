#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "glint/core/error.h"
#include "glint/data/dataset.h"
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
  expect_refused("m.json", "[{\"video\": \"a.mp4\",\n \"caption\": \"x\"\n \"y\"}]", ":3: is not JSON");
  expect_refused("m.json", "", ": holds no entry");
  expect_refused("m.json", "[]", ": holds no entry");
  expect_refused("m.json", "nothing", ":1: is not JSON");
  expect_refused("m.json", "{\n \"a\": 1}", ":1: is not JSON");
  expect_refused("m.json", "[{\"video\": \"a\", \"caption\": \"x\"}, {\"video\": \"a\", \"video\": \"b\"}]",
                 ": entry 2: key 'video' stands twice in one object");
  expect_refused("m.json", "[{\"video\": \"a.mp4\", \"caption\": \"caf\xE9\"}]", ":1: is not JSON");
  expect_refused("m.json", std::string(1'000'000, '['), ": entry 1: is nested too deeply");
  expect_refused("m.csv", "video,caption\na.mp4\n",
                 ":2: has 1 fields, the header has 2 (a comma inside a field needs quotes around it)");
  expect_refused("m.txt", "a", ": a manifest is a .json, .jsonl or .csv file");
  config_.annotations = "none.json";
  EXPECT_THAT([&] { load_dataset(config_, "train"); },
              ThrowsMessage<Error>(EndsWith("none.json: No such file or directory")));
  config_.annotations = "";
  EXPECT_THAT([&] { load_dataset(config_, "train"); },
              ThrowsMessage<Error>(HasSubstr("holds no manifest.json, manifest.jsonl or manifest.csv")));
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
  if (!shared) GTEST_SKIP() << "GLINT_SHARED_DIR is not set and ../shared is not there";
  DataConfig config;
  config.annotations = (*shared / "data/real_clips/captions.json").string();
  config.on_bad_file = "fail";
  const auto dataset = load_dataset(config, "train");
  EXPECT_EQ(dataset.clips.size(), 40u);
  EXPECT_EQ(dataset.captions.size(), 294u);
}

}  // namespace
}  // namespace glint::test
