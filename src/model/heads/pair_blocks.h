#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace glint {

using Tensors = std::vector<torch::Tensor>;

// What pairs are scored from. A texts, B videos.
struct PairTensors {
  Tensors texts;   // dimension 0 is A
  Tensors videos;  // dimension 0 is B
  Tensors shared;  // the same for every pair: parameters
};

// Scores a block in operators that autograd knows: some texts, some videos and all that is shared -> [a, b], or
// [a, b, n] where a pair has several scores (there is at least one pair then). `index`
// names the block, the same each time it is scored. Keep no module in it: it lives as long as the graph does.
using BlockScore = std::function<torch::Tensor(const PairTensors& block, int64_t index)>;

// A function of pairs whose largest tensor has `floats_a_pair` for each, in blocks of bounded memory.
struct BlockedScore {
  BlockScore score;
  int64_t floats_a_pair;

  // All pairs, without autograd. -> [A, B]
  torch::Tensor all(const PairTensors& tensors) const;

  // `scores` [A, B], computed without autograd, with this function's gradients, which cost no memory before they are
  // asked for: the backward pass scores block by block once more. Differentiable once.
  torch::Tensor with_gradients(const torch::Tensor& scores, const PairTensors& tensors) const;
};

// Does autograd ask for the gradient of any of them?
bool wants_gradient(const PairTensors& tensors);

}  // namespace glint
