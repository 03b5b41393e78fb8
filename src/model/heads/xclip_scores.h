#pragma once

#include <torch/types.h>

#include "model/heads/pair_blocks.h"

namespace glint {

// What X-CLIP scores pairs from (methods 5.1). Its two D x D matrices act on the video's side alone, which has fewer
// rows: texts {c [A, D], w [A, L, D]}, both unit, and the mask [A, L] where padding is to take no part; videos {local
// [B, T+1, D]: W_l f_t and, in row T, v; global [B, T+1, D]: f_t and, in row T, W_g v}; shared {word_logit,
// frame_logit, word_mat, frame_mat, word_mat2, frame_mat2}.
// -> [A, B], on the cosine scale. Differentiable; without the need on the CPU in float32 by a fused kernel. No tensor
// beyond a block of pairs is held in either case, or kept for the backward pass.
torch::Tensor xclip_scores(const PairTensors& pairs, double temperature);

}  // namespace glint
