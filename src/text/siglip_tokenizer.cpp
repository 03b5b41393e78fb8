#include <sentencepiece_processor.h>
#include <unicode/locid.h>
#include <unicode/uchar.h>

#include <string>

#include "glint/core/error.h"
#include "glint/text/tokenizer.h"
#include "text/sentencepiece_model.h"
#include "text/unicode.h"

namespace glint {
namespace {

constexpr std::string_view kPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";  // Python's string.punctuation

// Hugging Face's canonicalize_text of SigLIP: small letters, punctuation gone, each run of white space one space.
std::string canonical(std::string_view text) {
  const auto lowered = from_icu(to_icu(decode_utf8(text)).toLower(icu::Locale::getRoot()));
  std::u32string kept;
  bool space = false;
  for (const char32_t c : lowered) {
    if (c < 0x80 && kPunctuation.find(static_cast<char>(c)) != kPunctuation.npos) continue;
    if (u_isUWhiteSpace(static_cast<UChar32>(c)) != 0) {
      space = !kept.empty();
      continue;
    }
    if (space) kept += U' ';
    space = false;
    kept += c;
  }
  return encode_utf8(to_icu(kept));
}

class SiglipTokenizer final : public Tokenizer {
 public:
  explicit SiglipTokenizer(const std::string& model_bytes) {
    check_character_table(model_bytes);
    load_model(processor_, model_bytes);
    if (processor_.eos_id() < 0) throw Error("the sentencepiece model has no end token, which SigLIP's texts end with");
  }

  std::vector<int64_t> encode(std::string_view text) const override {
    std::vector<int> ids;
    const auto status = processor_.Encode(canonical(text), &ids);
    GLINT_CHECK(status.ok(), library_words(status.message()));
    return {ids.begin(), ids.end()};
  }
  int64_t vocabulary_size() const override { return processor_.GetPieceSize(); }
  int64_t start_id() const override { return -1; }
  int64_t end_id() const override { return processor_.eos_id(); }
  int64_t padding_id() const override { return end_id(); }
  std::string name() const override { return "siglip"; }
  std::string serialized() const override { return processor_.serialized_model_proto(); }

 private:
  sentencepiece::SentencePieceProcessor processor_;
};

}  // namespace

std::shared_ptr<const Tokenizer> siglip_tokenizer(const std::string& model_bytes) {
  return std::make_shared<SiglipTokenizer>(model_bytes);
}

}  // namespace glint
