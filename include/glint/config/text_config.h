#pragma once

#include <cstdint>
#include <string>

#include "glint/config/setting_rule.h"

namespace glint {

// text.*: from a caption to at most L tokens.
struct TextConfig {
  std::string tokenizer = "clip";
  std::string vocabulary;
  int64_t vocabulary_size = 1000;
  int64_t max_words = 32;
};

template <class Visitor>
void describe(Visitor& v, TextConfig& c) {
  v.field("tokenizer", c.tokenizer, one_of({"clip", "sentencepiece", "siglip"}).of_weights(),
          "tokenizer: clip (byte-pair encoding), siglip, sentencepiece");
  v.field(
      "vocabulary", c.vocabulary, any().path().of_machine(),
      "vocabulary file: bpe_simple_vocab_16e6.txt.gz for clip, a .model file for the others; empty: found or trained");
  v.field("vocabulary_size", c.vocabulary_size, within(1, 1 << 20).of_training(),
          "size of a sentencepiece vocabulary that is trained on the training captions");
  v.field("max_words", c.max_words, within(2, 4096),
          "largest number of tokens of a caption, start and end included (L in shapes); longer ones are cut");
}

}  // namespace glint
