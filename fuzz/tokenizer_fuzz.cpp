#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "glint/core/error.h"
#include "glint/core/utf8.h"
#include "glint/text/tokenizer.h"
#include "text/clean_caption.h"

// Any bytes as a caption, for both tokenizers; one short text in sixteen as a training set too, a caption a line.

namespace {

using glint::Tokenizer;

constexpr std::size_t kLongestTrainingSet = 256;  // bytes; training takes milliseconds

std::shared_ptr<const Tokenizer> g_clip;
std::shared_ptr<const Tokenizer> g_pieces;

void check_ids(const Tokenizer& tokenizer, std::string_view text) {
  for (const auto id : tokenizer.encode(text)) {
    GLINT_CHECK(id >= 0 && id < tokenizer.vocabulary_size(), tokenizer.name(), " gives id ", id);
  }
  const auto batch = tokenizer.batch({std::string(text)}, 8);
  GLINT_CHECK(batch.ids.size() == 8 && batch.mask.size() == 8 && batch.mask[0] == 1, "the batch has ", batch.ids.size(),
              " ids");
}

void train(std::string_view text) {
  std::vector<std::string> captions;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    captions.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  try {
    const auto tokenizer = glint::train_sentencepiece(captions, 400);
    for (const auto& caption : captions) check_ids(*tokenizer, caption);
  } catch (const glint::Error&) {  // nothing to train on
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  g_pieces =
      glint::train_sentencepiece({"a red ball rises, then a blue star spins", "two green squares stand still"}, 60);
  try {
    g_clip = glint::clip_tokenizer();
  } catch (const glint::Error& missing) {
    std::fprintf(stderr, "skipped: %s\n", missing.what());
    std::exit(77);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto cleaned = glint::clean_caption(text);
  GLINT_CHECK(!glint::find_bad_utf8(cleaned), "a cleaned caption is not UTF-8");
  check_ids(*g_clip, text);
  check_ids(*g_pieces, text);
  if (size > 0 && size <= kLongestTrainingSet && data[size - 1] % 16 == 0) train(text);
  return 0;
}
