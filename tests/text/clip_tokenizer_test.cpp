#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/text/tokenizer.h"
#include "support/environment.h"

namespace glint {
namespace {

using Ids = std::vector<int64_t>;
using namespace std::string_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

// Skips its test where scripts/setup did not install the vocabulary.
class ClipTokenizerTest : public testing::Test {
 protected:
  void SetUp() override {
    try {
      tokenizer_ = clip_tokenizer();
    } catch (const Error& missing) {
      GTEST_SKIP() << missing.what();
    }
  }
  Ids encode(std::string_view text) const { return tokenizer_->encode(text); }

  std::shared_ptr<const Tokenizer> tokenizer_;
};

TEST_F(ClipTokenizerTest, WordsDigitsEndingsAndSpecialTokensHaveThePublishedIds) {
  EXPECT_EQ(encode("a man is   playing\tthe guitar "), Ids({320, 786, 533, 1629, 518, 5084}));
  EXPECT_EQ(encode("DON'T WON'T IT'S"), Ids({847, 713, 1749, 713, 585, 568}));
  EXPECT_EQ(encode("1st 2nd"), Ids({272, 545, 273, 1764}));
  EXPECT_EQ(encode("a <|STARTOFTEXT|> b <|endoftext|>"), Ids({320, 49406, 321, 49407}));
  EXPECT_EQ(encode(""), Ids());
  EXPECT_EQ(tokenizer_->vocabulary_size(), 49408);
  EXPECT_EQ(tokenizer_->start_id(), 49406);
  EXPECT_EQ(tokenizer_->end_id(), 49407);
}

TEST_F(ClipTokenizerTest, BatchCutsLongCaptionsAndPadsShortOnes) {
  const auto batch = tokenizer_->batch({"a man is playing the guitar", "", "a man"}, 5);
  EXPECT_EQ(batch.rows, 3);
  EXPECT_EQ(batch.max_words, 5);
  EXPECT_EQ(batch.ids, Ids({49406, 320, 786, 533, 49407, 49406, 49407, 0, 0, 0, 49406, 320, 786, 49407, 0}));
  EXPECT_EQ(batch.mask, Ids({1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0}));
  EXPECT_EQ(tokenizer_->batch({"a man"}, 2).ids, Ids({49406, 49407}));
  EXPECT_EQ(tokenizer_->batch({}, 2).rows, 0);
  EXPECT_THROW(tokenizer_->batch({"a"}, 1), Bug);
}

TEST_F(ClipTokenizerTest, LongCaptionsAndWordsAndBrokenTextBehave) {
  std::string words, letters(100'000, 'a');
  for (int i = 0; i < 10'000; ++i) words += "dog ";
  EXPECT_EQ(encode(words), Ids(10'000, 1929));
  EXPECT_EQ(encode(letters).size(), 12'501u);  // merges of eight, then of four; the last four end the word
  EXPECT_EQ(encode("nul\0inside"s), encode("nulinside"));
  EXPECT_EQ(encode("\xff\xfe\xed\xa0\x80"), encode("\ufffd\ufffd\ufffd\ufffd\ufffd"));
}

TEST_F(ClipTokenizerTest, ThreadsShareOneTokenizer) {
  std::vector<std::string> captions;
  for (int i = 0; i < 2'000; ++i)
    captions.push_back("word" + std::to_string(i * 7919) + " x" + std::string(static_cast<std::size_t>(i % 40), 'y'));
  std::vector<Ids> expected;
  const auto other = clip_tokenizer();
  for (const auto& caption : captions) expected.push_back(other->encode(caption));
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (auto& count : wrong) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < captions.size(); ++i) count += encode(captions[i]) != expected[i];
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(wrong, testing::Each(0));
}

TEST_F(ClipTokenizerTest, ThePiecesStandInTheOrderOfTheIds) {
  const auto clip = clip_pieces();
  ASSERT_EQ(clip.pieces.size(), 49408u);
  ASSERT_EQ(clip.merges.size(), 48894u);
  EXPECT_EQ(clip.pieces[0], "!");
  EXPECT_EQ(clip.pieces[256], "!</w>");
  EXPECT_EQ(clip.pieces[320], "a</w>");
  EXPECT_EQ(clip.pieces[786], "man</w>");
  EXPECT_EQ(clip.pieces[49406], "<|startoftext|>");
  EXPECT_EQ(clip.pieces[49407], "<|endoftext|>");
  EXPECT_EQ(clip.merges.front(), "i n");
  EXPECT_EQ(clip_vocabulary().substr(0, 2), "\x1f\x8b");
}

TEST(ClipVocabularyTest, AnotherFileIsRefusedByItsSum) {
  const test::TemporaryFolder folder;
  const auto path = folder / "bpe.txt.gz";
  write_file(path, "\x1F\x8B not the vocabulary");
  EXPECT_THAT([&] { clip_tokenizer(path.string()); },
              ThrowsMessage<Error>(AllOf(HasSubstr(path.string()), HasSubstr("SHA-256"))));
  write_file(path, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
  EXPECT_THAT([&] { clip_tokenizer(path.string()); }, ThrowsMessage<Error>(HasSubstr("is a Git LFS pointer")));
}

TEST(ClipVocabularyTest, TheEnvironmentNamesTheFile) {
  setenv("GLINT_CLIP_VOCABULARY", "/nowhere/bpe.txt.gz", 1);
  EXPECT_THAT([] { clip_tokenizer(); }, ThrowsMessage<Error>(HasSubstr("/nowhere/bpe.txt.gz")));
  unsetenv("GLINT_CLIP_VOCABULARY");
}

}  // namespace
}  // namespace glint
