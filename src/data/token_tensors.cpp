#include "glint/data/token_tensors.h"

namespace glint {

TokenTensors token_tensors(const Tokenizer& tokenizer, const std::vector<std::string>& captions, int64_t max_words) {
  const auto batch = tokenizer.batch(captions, max_words);
  const auto tensor = [&](const std::vector<int64_t>& values) {
    return torch::tensor(values, torch::kInt64).view({batch.rows, batch.max_words});
  };
  return {tensor(batch.ids), tensor(batch.mask)};
}

}  // namespace glint
