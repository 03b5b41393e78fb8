#pragma once

#include <torch/types.h>

#include "model/heads/xpool_scores.h"

namespace glint::cpu {

// Note [X-Pool in Gram form]: what a pair needs of D-wide vectors is r, the standard deviation of s = r sum p_t h_t +
// h_0 and the norm of z = g3 s / std(s) + b3: quadratic forms in p of Gram matrices that belong to the video alone, and
// the product <x, z>, a sum of <g3 x, h_t>. So a pair costs 2 T products of width D in place of 2 D^2 + 2 T D. What the
// videos give, texts undefined -> those matrices and vectors, packed [B, F]
torch::Tensor xpool_forms(const XpoolPairs& videos);

// glint::xpool_scores() in Gram form, with `forms`, without gradients. -> [A, B]
torch::Tensor xpool_scores(const XpoolPairs& pairs);

}  // namespace glint::cpu
