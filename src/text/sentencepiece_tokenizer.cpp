#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>

#include <algorithm>
#include <unordered_map>

#include "glint/core/error.h"
#include "glint/text/tokenizer.h"
#include "text/clean_caption.h"
#include "text/sentencepiece_model.h"
#include "text/unicode.h"

// The ids are the model's own, then start, then end: any sentencepiece file fits, whatever special pieces it has.

namespace glint {
namespace {

using sentencepiece::util::Status;

// Of one caption; training takes 30 us a byte, and no text tower reads this far.
constexpr std::size_t kMostTrainedBytes = 4096;

// The text that the model sees: capitals, widths and invisible characters do not count. ICU does here what the
// library's own tables would do: they take 240 kB of each model and, damaged, end the process.
std::string folded(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  const auto* normalizer = icu::Normalizer2::getNFKCCasefoldInstance(status);
  GLINT_CHECK(U_SUCCESS(status), "ICU has no NFKC_Casefold: ", u_errorName(status));
  const auto folded = normalizer->normalize(icu::UnicodeString::fromUTF8(repair_caption(text)), status);
  GLINT_CHECK(U_SUCCESS(status), u_errorName(status));
  return encode_utf8(folded);
}

class SentencePieceTokenizer final : public Tokenizer {
 public:
  explicit SentencePieceTokenizer(const std::string& model_bytes) {
    if (has_character_table(model_bytes)) {
      throw Error(
          "the sentencepiece model changes characters itself, which glint leaves to ICU; train it with "
          "--normalization_rule_name=identity");
    }
    load_model(processor_, model_bytes);
  }

  std::vector<int64_t> encode(std::string_view text) const override {
    std::vector<int> ids;
    const auto status = processor_.Encode(folded(text), &ids);
    GLINT_CHECK(status.ok(), library_words(status.message()));
    return {ids.begin(), ids.end()};
  }
  int64_t vocabulary_size() const override { return processor_.GetPieceSize() + 2; }
  int64_t start_id() const override { return processor_.GetPieceSize(); }
  int64_t end_id() const override { return processor_.GetPieceSize() + 1; }
  std::string name() const override { return "sentencepiece"; }
  std::string serialized() const override { return processor_.serialized_model_proto(); }

 private:
  sentencepiece::SentencePieceProcessor processor_;
};

// Hands the trainer one caption after the other.
class Sentences final : public sentencepiece::SentenceIterator {
 public:
  explicit Sentences(const std::vector<std::string>& sentences) : at_(sentences.begin()), end_(sentences.end()) {}
  bool done() const override { return at_ == end_; }
  void Next() override { ++at_; }
  const std::string& value() const override { return *at_; }
  Status status() const override { return {}; }

 private:
  std::vector<std::string>::const_iterator at_;
  std::vector<std::string>::const_iterator end_;
};

// The start of UTF-8 text, whole characters, at most `limit_bytes`.
std::string start_of(std::string text, std::size_t limit_bytes) {
  if (text.size() <= limit_bytes) return text;
  while ((static_cast<unsigned char>(text[limit_bytes]) & 0xC0) == 0x80) --limit_bytes;
  text.resize(limit_bytes);
  return text;
}

bool has_letter_or_digit(const std::string& text) {
  const auto points = decode_utf8(text);
  return std::any_of(points.begin(), points.end(), [](char32_t c) { return u_isalnum(static_cast<UChar32>(c)) != 0; });
}

}  // namespace

std::shared_ptr<const Tokenizer> sentencepiece_tokenizer(const std::string& model_bytes) {
  return std::make_shared<SentencePieceTokenizer>(model_bytes);
}

std::shared_ptr<const Tokenizer> train_sentencepiece(const std::vector<std::string>& captions,
                                                     int64_t vocabulary_size) {
  std::vector<std::string> sentences;
  for (const auto& caption : captions) {
    auto sentence = start_of(folded(caption), kMostTrainedBytes);
    if (!has_letter_or_digit(sentence)) continue;  // the trainer ends the process where nothing is left to train on
    sentences.push_back(std::move(sentence));
  }
  if (sentences.empty()) {
    throw Error("a tokenizer cannot be trained: none of the ", captions.size(), " captions holds a letter or a digit");
  }
  const std::unordered_map<std::string, std::string> settings = {
      // Pairs grow until whole words stand. A unigram model of few different words gives up early: on the demo set it
      // cut
      // "circle" into four, half of all captions ran past max_words, and what came last in them was never learnt.
      {"model_type", "bpe"},
      {"vocab_size", std::to_string(vocabulary_size)},
      {"hard_vocab_limit", "false"},            // fewer pieces where the captions have no more
      {"normalization_rule_name", "identity"},  // folded() has done it
      {"character_coverage", "1.0"},
      {"max_sentence_length", std::to_string(10 * kMostTrainedBytes)},  // no caption is left out
      {"pad_id", "0"},
      {"unk_id", "1"},
      {"bos_id", "-1"},
      {"eos_id", "-1"},
      {"num_threads", "1"},  // sums in one order: equal captions, equal bytes
      {"shuffle_input_sentence", "false"},
      {"minloglevel", "2"},
  };
  Sentences iterator(sentences);
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(settings, &iterator, &model);
  if (!status.ok()) {
    throw Error("a sentencepiece vocabulary of ", vocabulary_size, " pieces cannot be trained on these ",
                captions.size(), " captions: ", library_words(status.message()));
  }
  return sentencepiece_tokenizer(model);
}

}  // namespace glint
