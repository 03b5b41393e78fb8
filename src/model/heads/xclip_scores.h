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

// The four that they are the mean of, [B, A] each, and whom the pairs look at: the softmax over the words in S_vw [B,
// A, L] and over the frames in S_sf [B, A, T], before their matrices. Of some pairs, all at once.
struct XclipParts {
  torch::Tensor video_sentence, video_word, sentence_frame, frame_word;
  torch::Tensor words, frames;
};
XclipParts xclip_parts(const PairTensors& pairs, double temperature);

}  // namespace glint
