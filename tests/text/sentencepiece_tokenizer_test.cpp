#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "glint/core/error.h"
#include "glint/text/tokenizer.h"

namespace glint {
namespace {

using Ids = std::vector<int64_t>;
using namespace std::string_literals;
using testing::AllOf;
using testing::Each;
using testing::Ge;
using testing::HasSubstr;
using testing::Lt;
using testing::ThrowsMessage;

// "a red ball rises, then a blue star spins": enough words to learn some.
std::vector<std::string> captions() {
  const std::string colours[] = {"red", "blue", "green", "yellow"}, shapes[] = {"ball", "star", "square"},
                    motions[] = {"rises", "falls", "spins", "stands still"};
  std::vector<std::string> texts;
  for (const auto& colour : colours) {
    for (const auto& shape : shapes) {
      for (const auto& motion : motions) texts.push_back("A " + colour + " " + shape + " " + motion + ".");
    }
  }
  return texts;
}

TEST(SentencePieceTokenizerTest, TheEndIsTheLargestIdAndPaddingIsNoPieceOfText) {
  const auto tokenizer = train_sentencepiece(captions(), 60);
  EXPECT_EQ(tokenizer->end_id(), tokenizer->vocabulary_size() - 1);
  EXPECT_NE(tokenizer->start_id(), tokenizer->end_id());
  for (const auto& caption : captions()) {
    EXPECT_THAT(tokenizer->encode(caption), Each(AllOf(Ge(2), Lt(tokenizer->start_id()))));  // 0: padding, 1: unknown
  }
  const auto batch = tokenizer->batch({captions()[0], ""}, 32);
  EXPECT_EQ(std::max_element(batch.ids.begin(), batch.ids.begin() + 32) - batch.ids.begin(),
            std::count(batch.mask.begin(), batch.mask.begin() + 32, 1) - 1);
  EXPECT_EQ(batch.ids[33], tokenizer->end_id());
}

TEST(SentencePieceTokenizerTest, TrainingTwiceAndTheSavedBytesGiveTheSameTokenizer) {
  const auto first = train_sentencepiece(captions(), 60), second = train_sentencepiece(captions(), 60);
  EXPECT_EQ(first->serialized(), second->serialized());
  const auto read = sentencepiece_tokenizer(first->serialized());
  EXPECT_EQ(read->vocabulary_size(), first->vocabulary_size());
  for (const auto& caption : captions()) EXPECT_EQ(read->encode(caption), first->encode(caption));
}

TEST(SentencePieceTokenizerTest, CapitalsEntitiesAndQuotesDoNotCount) {
  const auto tokenizer = train_sentencepiece({"it's a red & blue ball", "one \"star\""}, 100);
  EXPECT_EQ(tokenizer->encode("\uff52\uff25\u00adD"), tokenizer->encode("red"));
  EXPECT_EQ(tokenizer->encode("IT\u2019S a  red &amp; blue BALL"), tokenizer->encode("it's a red & blue ball"));
}

TEST(SentencePieceTokenizerTest, TinySetsLowerTheVocabulary) {
  EXPECT_EQ(train_sentencepiece({"a"}, 1'000)->vocabulary_size(), 7);  // padding, unknown, a, space, both, start, end
  EXPECT_EQ(train_sentencepiece({"7", "", "?", "7"}, 1'000)->encode("7").size(), 1u);
  EXPECT_LE(train_sentencepiece(captions(), 1'000'000)->vocabulary_size(), 300);
  EXPECT_LE(train_sentencepiece(captions(), 60)->vocabulary_size(), 62);
}

TEST(SentencePieceTokenizerTest, WordsThatOccurOftenAreOnePiece) {
  const auto tokenizer = train_sentencepiece(captions(), 300);
  for (const char* word : {"red", "square", "stands"}) EXPECT_EQ(tokenizer->encode(word).size(), 1u) << word;
}

TEST(SentencePieceTokenizerTest, WhatCannotBeTrainedIsSaid) {
  EXPECT_THAT([] { train_sentencepiece({}, 10); }, ThrowsMessage<Error>(HasSubstr("none of the 0 captions")));
  EXPECT_THAT(
      [] {
        train_sentencepiece({"", " \0\n"s, "\u200b\u2581", "&nbsp;", "..."}, 10);
      },
      ThrowsMessage<Error>(HasSubstr("none of the 5 captions")));
  EXPECT_THAT([] { train_sentencepiece({"abcdefghijkl"}, 5); }, ThrowsMessage<Error>(HasSubstr("5 pieces")));
}

TEST(SentencePieceTokenizerTest, BrokenAndHugeTextsBehave) {
  std::string words;
  for (int i = 0; i < 10'000; ++i) words += "red ";
  const auto texts = std::vector<std::string>{
      "\xff\xfe"s, "nul\0inside"s, "", words, std::string(100'000, 'r') + "\u00e9", "a red \u2581 \t ball"};
  const auto tokenizer = train_sentencepiece(captions(), 60);
  EXPECT_EQ(tokenizer->encode(""), Ids());
  EXPECT_GE(tokenizer->encode(words).size(), 10'000u);
  for (const auto& text : texts) EXPECT_THAT(tokenizer->encode(text), Each(AllOf(Ge(1), Lt(tokenizer->start_id()))));
  EXPECT_GT(train_sentencepiece(texts, 200)->vocabulary_size(), 5);
}

TEST(SentencePieceTokenizerTest, OtherBytesAreRefused) {
  const auto bytes = train_sentencepiece({"a red ball"}, 30)->serialized();
  for (const auto& other : {""s, "not a model"s, bytes.substr(0, bytes.size() / 2), bytes.substr(0, 5)}) {
    EXPECT_THAT([&] { sentencepiece_tokenizer(other); }, ThrowsMessage<Error>(HasSubstr("sentencepiece model")));
  }
}

// Field 3 of a model is its normalizer, field 2 of that its table; here a table of one byte.
TEST(SentencePieceTokenizerTest, ModelsThatChangeCharactersThemselvesAreRefused) {
  const auto bytes = train_sentencepiece({"a red ball"}, 30)->serialized() + "\x1a\x03\x12\x01x";
  EXPECT_THAT([&] { sentencepiece_tokenizer(bytes); },
              ThrowsMessage<Error>(HasSubstr("--normalization_rule_name=identity")));
}

}  // namespace
}  // namespace glint
