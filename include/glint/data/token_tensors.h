#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "glint/text/tokenizer.h"

namespace glint {

// Captions as the text tower takes them. The tensors own their memory: features keep the mask.
struct TokenTensors {
  torch::Tensor ids;   // int64 [A, L]
  torch::Tensor mask;  // int64 [A, L]; 1 up to and including the end token
};

// Tokenizer::batch() as tensors.
TokenTensors token_tensors(const Tokenizer& tokenizer, const std::vector<std::string>& captions, int64_t max_words);

}  // namespace glint
