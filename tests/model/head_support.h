#pragma once

#include <torch/types.h>

#include "glint/model/head.h"

// What the tests of single heads share. Each has its own items (what its head reads of texts and videos) and a
// prepare(head, items) of its own beside them.

namespace glint::test {

struct Prepared {
  TextFeatures text;
  VideoFeatures video;
};

template <class Items>
torch::Tensor scores_of(RetrievalHead& head, const Items& items) {
  const torch::NoGradGuard no_grad;
  const Prepared prepared = prepare(head, items);
  return head.score(prepared.text, prepared.video);
}

// Row i has 1 + i mod `longest` ones, then zeros. -> int64 [items, longest]
inline torch::Tensor prefix_mask(int64_t items, int64_t longest) {
  const auto lengths = 1 + torch::arange(items).remainder(longest);
  return (torch::arange(longest).unsqueeze(0) < lengths.unsqueeze(1)).to(torch::kLong);
}

// The largest difference of two entries.
inline double distance(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.to(torch::kDouble) - b.to(torch::kDouble)).abs().max().item<double>();
}

}  // namespace glint::test
