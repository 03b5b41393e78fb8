#include "glint/text/tokenizer.h"

#include <algorithm>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/file_kind.h"

namespace glint {

TokenBatch Tokenizer::batch(const std::vector<std::string>& captions, int64_t max_words) const {
  GLINT_CHECK(max_words >= 2, "start and end do not fit into ", max_words, " words");
  TokenBatch batch;
  batch.rows = static_cast<int64_t>(captions.size());
  batch.max_words = max_words;
  const auto size = captions.size() * static_cast<std::size_t>(max_words);
  batch.ids.assign(size, padding_id());  // [A, L]
  batch.mask.assign(size, 0);            // [A, L]
  const int64_t first = start_id() < 0 ? 0 : 1;
  auto ids_row = batch.ids.begin();
  auto mask_row = batch.mask.begin();
  for (const auto& caption : captions) {
    const auto ids = encode(caption);
    const auto kept = std::min(static_cast<int64_t>(ids.size()), max_words - 1 - first);
    if (first == 1) ids_row[0] = start_id();
    std::copy_n(ids.begin(), kept, ids_row + first);
    ids_row[first + kept] = end_id();
    std::fill_n(mask_row, first + kept + 1, 1);
    ids_row += max_words;
    mask_row += max_words;
  }
  return batch;
}

namespace {

constexpr std::size_t kLargestModel = std::size_t{256} << 20;  // bytes

template <class Make>
std::shared_ptr<const Tokenizer> tokenizer_of_file(const std::string& path, const Make& make) {
  const auto bytes = read_file(path, kLargestModel);
  if (const auto kind = kind_of_bytes(bytes)) throw BadFile(path, ": ", *kind);
  try {
    return make(bytes);
  } catch (const Error& error) {
    throw BadFile(path, ": ", error.what());
  }
}

}  // namespace

std::shared_ptr<const Tokenizer> sentencepiece_tokenizer_of_file(const std::string& path) {
  return tokenizer_of_file(path, sentencepiece_tokenizer);
}

std::shared_ptr<const Tokenizer> siglip_tokenizer_of_file(const std::string& path) {
  return tokenizer_of_file(path, siglip_tokenizer);
}

}  // namespace glint
