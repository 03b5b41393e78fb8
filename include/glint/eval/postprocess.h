#pragma once

#include <torch/types.h>

#include <cstdint>

namespace glint {

// Dual softmax on cosine-scale scores: S_ij * softmax over queries i of (tau S_ij) (methods 9.3). scores [queries,
// gallery].
torch::Tensor dual_softmax(const torch::Tensor& scores, double tau);

// QB-Norm with dynamic inverted softmax (methods 9.3). scores [queries, gallery], train [training queries, gallery]. A
// gallery item is a hub where it is among the best `k` of at least `theta` training queries. -> float64, since the
// normalised rows span e^(beta * range of the scores). Throws Error where there is no training query.
torch::Tensor qb_norm(const torch::Tensor& scores, const torch::Tensor& train, double beta, int64_t k, int64_t theta);

}  // namespace glint
