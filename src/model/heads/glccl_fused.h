#pragma once

#include "model/heads/glccl_scores.h"

namespace glint {

// glccl_scores() and, as [A, B, 4], glccl_four_scores() (`apart`) without gradients for float32 on the CPU and
// Aggregation::kSoftmax: block by block of pairs, each from its dot products to its scores in one thread's cache.
torch::Tensor fused_glccl_scores(const GlcclTexts& texts, const GlcclVideos& videos, const torch::Tensor& levels,
                                 const GlcclRules& rules, bool apart);

}  // namespace glint
