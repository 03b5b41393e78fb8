#include "glint/eval/evaluated_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "glint/core/error.h"
#include "glint/eval/bank_sample.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

EvaluatedSet small_set() {
  EvaluatedSet set;
  set.data = "msvd";
  set.split = "test";
  set.protocol = "all";
  set.queries = {{"a#0", "a \"cat\"\n", "a", {"short"}}, {"a#1", "", "a", {}}, {"b", "caf\xC3\xA9", "b", {}}};
  set.gallery = {{"a", "", "", {}}, {"b", "", "", {"long"}}};
  set.skipped = {{"c", "is cut short"}};
  set.frames = 12;
  return set;
}

TEST(EvaluatedSetTest, WhatAFileSaysIsReadBack) {
  const auto set = small_set(), read = parse_evaluated_set(to_json(set), "f");
  EXPECT_EQ(read.queries, set.queries);
  EXPECT_EQ(read.gallery, set.gallery);
  EXPECT_EQ(read.data + read.split + read.protocol, "msvdtestall");
  EXPECT_EQ(read.skipped.at(0).cause, "is cut short");
  EXPECT_EQ(read.frames, 12);
  EXPECT_FALSE(read.fps.has_value());
  EXPECT_TRUE(torch::equal(video_of_query(read), torch::tensor({0, 0, 1}, torch::kInt64)));
}

TEST(EvaluatedSetTest, ATextWithoutAVideoHasNoOwnAnswer) {
  auto set = small_set();
  set.queries[1].video.clear();
  EXPECT_EQ(parse_evaluated_set(to_json(set), "f").queries[1].video, "");
  EXPECT_THAT([&] { video_of_query(set); }, ThrowsMessage<Error>(HasSubstr("text 'a#1' has no right answer")));
}

TEST(EvaluatedSetTest, WhatDoesNotFitIsRefused) {
  const auto refused = [](const EvaluatedSet& set, const std::string& sentence) {
    EXPECT_THAT([&] { parse_evaluated_set(to_json(set), "f.safetensors"); },
                ThrowsMessage<Error>(testing::AllOf(HasSubstr("f.safetensors: "), HasSubstr(sentence))));
  };
  auto set = small_set();
  set.queries[1].id = "b";
  refused(set, "the text 'b' stands twice");
  set = small_set();
  set.gallery[1].id = "a";
  refused(set, "the video 'a' stands twice");
  set = small_set();
  set.split = "../test";
  refused(set, "its split '../test' is no plain name");
  set = small_set();
  set.gallery.pop_back();
  refused(set, "the video 'b' of text 'b' is not in its gallery");
  for (const std::string text : {"", "[]", "{", "{\"data\": 3}", "{\"data\":\"\",\"split\":\"\",\"protocol\":\"\"}"})
    EXPECT_THAT([&] { parse_evaluated_set(text, "f"); }, ThrowsMessage<Error>(HasSubstr("write it again"))) << text;
}

Dataset training(int64_t clips, int64_t captions_each) {
  Dataset dataset;
  dataset.name = "own";
  for (int64_t clip = 0; clip < clips; ++clip) {
    dataset.clips.push_back({.id = std::to_string(clip), .file = "x.mp4", .start_s = {}, .end_s = {}, .tags = {}});
    for (int64_t i = 0; i < captions_each; ++i)
      dataset.captions.push_back({std::to_string(clip) + "/" + std::to_string(i), clip});
  }
  return dataset;
}

TEST(BankSampleTest, ASampleIsDrawnWithoutReplacementAndNamed) {
  const auto dataset = training(40, 3);
  const auto sample = sample_bank(dataset, parse_bank("train_captions:30,train_videos:7"), 5);
  EXPECT_EQ(sample.name, "train_captions:30+train_videos:7+seed:5");
  std::set<std::string> texts, clips;
  for (const auto& caption : sample.captions.captions) texts.insert(caption.text);
  for (const auto& clip : sample.clips.clips) clips.insert(clip.id);
  EXPECT_EQ(texts.size(), 30u);
  EXPECT_EQ(clips.size(), 7u);
  const auto text_of = [](const BankSample& s) {
    return s.captions.captions.front().text + s.captions.captions.back().text;
  };
  EXPECT_EQ(text_of(sample), text_of(sample_bank(dataset, parse_bank("train_captions:30,train_videos:7"), 5)));
  EXPECT_NE(text_of(sample), text_of(sample_bank(dataset, parse_bank("train_captions:30"), 6)));
}

TEST(BankSampleTest, WithoutACountItIsTheWholeSplit) {
  const auto dataset = training(4, 3);
  EXPECT_EQ(sample_bank(dataset, parse_bank("train_captions"), 5).name, "train_captions:12+train_videos:4");
  EXPECT_EQ(sample_bank(dataset, parse_bank("train_captions:12"), 5).name, "train_captions:12+train_videos:4");
  EXPECT_EQ(sample_bank(dataset, parse_bank("train_captions:3,train_videos"), 5).name,
            "train_captions:3+train_videos:4+seed:5");
  EXPECT_THAT([&] { sample_bank(dataset, parse_bank("train_captions:13"), 5); },
              ThrowsMessage<Error>(HasSubstr("train_captions:13 is more than the training split's 12")));
  EXPECT_THAT([&] { sample_bank(dataset, parse_bank("train_captions:5,train_videos:5"), 5); },
              ThrowsMessage<Error>(HasSubstr("train_videos:5 is more than the training split's 4")));
}

TEST(BankSampleTest, OtherWordsAreRefused) {
  EXPECT_TRUE(parse_bank("test_queries").is_test_queries);
  for (const std::string text :
       {"", "train", "train_captions:", "train_captions:0", "train_captions:-1", "train_captions:2x", "train_videos:3",
        "train_captions:3,", "train_captions:3,train_captions:4", "train_captionss",
        "train_captions:99999999999999999999"})
    EXPECT_THAT([&] { parse_bank(text); }, ThrowsMessage<Error>(HasSubstr("eval.bank is '" + text + "'"))) << text;
}

}  // namespace
}  // namespace glint::test
