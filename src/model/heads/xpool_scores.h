#pragma once

#include <torch/types.h>

#include "model/heads/pair_blocks.h"

namespace glint {

// X-Pool's pairs (methods 5.2). Softmax weights p over the frames sum to 1, so the value and output projections act on
// frames, before the pooling, and so does the linear layer: LN2 of a pair is its scale r = 1 / std(sum p_t u_t) times
// sum p_t g2 u_t, u_t without its mean, plus b2. With dropout the two halves of the residual stay apart.
// A texts, B videos, T frames, D width.
struct XpoolPairs {
  torch::Tensor query;     // [A, D], divided by sqrt(D)
  torch::Tensor sentence;  // [A, D], unit
  torch::Tensor keys;      // [B, T, D]
  torch::Tensor attended;  // [B, T, D] u_t: W_o v_t + b_o without its mean over D
  torch::Tensor mixed;     // [B, T, D] h_t: g2 u_t + W_p g2 u_t without its mean; with dropout W_p g2 u_t alone
  torch::Tensor forms;     // [B, F] of xpool_forms(), cpu/xpool.h; undefined: none are asked for
  torch::Tensor start;     // [D] h_0: b2 + W_p b2 + b_p without its mean; with dropout W_p b2 + b_p alone
  torch::Tensor scale2, shift2, scale3, shift3;  // [D] g2, b2, g3, b3 of LN2 and LN3
  double dropout = 0;
};

constexpr double kXpoolEps = 1e-5;  // of each layer norm

// How each text weighs the frames: softmax over T of <q, k_t>. -> [B, A, T]
torch::Tensor xpool_weights(const XpoolPairs& pairs);

// z [B, A, D], whole, as the release forms it. Differentiable. For blocks; `seed` is that of the dropout's mask.
torch::Tensor xpool_pooled(const XpoolPairs& pairs, uint64_t seed);

// cos(x, z) -> [A, B]. Differentiable, block by block; where nobody asks for gradients, on the CPU in float32 and with
// `forms`, in Gram form by a fused kernel. 0 where x or z is zero.
torch::Tensor xpool_scores(const XpoolPairs& pairs);

}  // namespace glint
