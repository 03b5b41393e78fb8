#pragma once

#include "model/heads/glccl_scores.h"

namespace glint::cpu {

// glint::glccl_scores() and, as [A, B, 4], glccl_four_scores() (`apart`) without gradients, of Aggregation::kSoftmax:
// piece by piece of pairs, each from its dot products to its scores in one thread's cache.
torch::Tensor glccl_scores(const GlcclTexts& texts, const GlcclVideos& videos, const torch::Tensor& levels,
                           const GlcclRules& rules, bool apart);

}  // namespace glint::cpu
