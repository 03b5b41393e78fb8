#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace glint {

// Captions as the text tower takes them: row-major [A, L].
struct TokenBatch {
  std::vector<int64_t> ids;
  std::vector<int64_t> mask;  // 1 up to and including the end token, 0 on padding
  int64_t rows = 0;           // A
  int64_t max_words = 0;      // L
};

// Turns text into token ids. Immutable after construction: any thread may use one.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  // Without start and end token. Bad UTF-8 is replaced, never refused.
  virtual std::vector<int64_t> encode(std::string_view text) const = 0;
  virtual int64_t vocabulary_size() const = 0;
  virtual int64_t start_id() const = 0;  // -1: texts begin without one
  virtual int64_t end_id() const = 0;    // CLIP's: the largest id, the text tower reads its feature at argmax(ids)
  virtual int64_t padding_id() const { return 0; }
  virtual std::string name() const = 0;  // "clip", "sentencepiece", "siglip"
  // What a checkpoint keeps to make the same tokenizer again; empty for one that is known by its name.
  virtual std::string serialized() const = 0;

  // start + ids cut to max_words - 1 in all, then end, then padding (methods 7). max_words >= 2.
  TokenBatch batch(const std::vector<std::string>& captions, int64_t max_words) const;
};

// CLIP's byte-pair encoding (methods 7). `vocabulary`: bpe_simple_vocab_16e6.txt.gz; empty: searched in
// GLINT_CLIP_VOCABULARY and in the open_clip wheel beside LibTorch. Throws Error where it is not found or its SHA-256
// is not the known one.
std::shared_ptr<const Tokenizer> clip_tokenizer(const std::string& vocabulary = {});

inline constexpr int64_t kClipVocabularySize = 49'408;  // rows of a token table that was trained with CLIP's tokenizer

// The name under which CLIP's vocabulary is known, and the bytes of that file, as clip_tokenizer() finds and checks it.
inline constexpr const char* kClipVocabularyFile = "bpe_simple_vocab_16e6.txt.gz";
std::string clip_vocabulary(const std::string& vocabulary = {});

// The same as two lists, as others' files hold it: the pieces of text in the order of their ids (the end of a word
// written "</w>", the two special tokens last), and the merges, "left right", in the order learnt.
struct ClipPieces {
  std::vector<std::string> pieces;
  std::vector<std::string> merges;
};
ClipPieces clip_pieces(const std::string& vocabulary = {});

// A sentencepiece model from its serialized bytes. Throws Error where they are not one, or where it was not trained
// with the normalization rule `identity`: characters are folded (NFKC, case) before the model sees them.
std::shared_ptr<const Tokenizer> sentencepiece_tokenizer(const std::string& model_bytes);

// SigLIP's: small letters, no punctuation, then the sentencepiece model that its files bring (spiece.model), no start,
// padded with the end token. Throws Error where the bytes are no such model.
std::shared_ptr<const Tokenizer> siglip_tokenizer(const std::string& model_bytes);

// The same from a model's file. Error naming it where it is no such model, or something else altogether.
std::shared_ptr<const Tokenizer> sentencepiece_tokenizer_of_file(const std::string& path);
std::shared_ptr<const Tokenizer> siglip_tokenizer_of_file(const std::string& path);

// Trains a sentencepiece (byte-pair) model on captions: the same captions in the same order give the same bytes.
// `vocabulary_size` counts its pieces (start and end come on top) and is lowered where the captions cannot fill it.
// Throws Error where it is too small for the captions' characters, or no caption has a letter or a digit.
std::shared_ptr<const Tokenizer> train_sentencepiece(const std::vector<std::string>& captions, int64_t vocabulary_size);

}  // namespace glint
