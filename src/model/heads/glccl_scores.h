#pragma once

#include <torch/types.h>

namespace glint {

// GLCCL's four scores (methods 4.2, 4.3) in the exact Gram form of 4.6: no word-guided frame feature is ever formed,
// the largest tensors of a pair are [L, T] and [L, L]. A texts, B videos, L words, T frames, D width.

struct GlcclTexts {
  torch::Tensor rows;   // [A, L + 2, D]: the words, the sentence c, c W_g; none normalised
  torch::Tensor scale;  // [A, L + 1]: 1/|w| of every word and 1/|c|; 0 where that is no number
  torch::Tensor mask;   // [A, L], 0 on words that take no part; undefined: all do
};

struct GlcclVideos {
  torch::Tensor rows;  // [B, 2 T, D]: the frames V, then V W_l^T: <x W_l, V_t> = <x, W_l V_t>
  torch::Tensor gram;  // [B, T, T] = V V^T
  torch::Tensor mask;  // [B, T], 0 on frames that take no part; undefined: all do
};

enum class Aggregation { kSoftmax, kSoftmaxLinearSoftmax, kUniform };  // of frames into a text-guided feature

struct GlcclRules {
  double temperature = 5;
  double score_temperature = 0.01;
  Aggregation aggregation = Aggregation::kSoftmax;
};

// What the heads learn beside W_g and W_l.
struct GlcclMatrices {
  torch::Tensor levels;  // [6, L, L]: A1, A2, B1, B2, B3, B4
  torch::Tensor visual;  // [T, T] of kSoftmaxLinearSoftmax; otherwise undefined
};

// The mean of the four scores, on cosine scale. -> [A, B]. A zero vector, a text whose words are all masked and a video
// whose frames are all masked give 0 where they take part. Differentiable once; memory does not grow with A * B.
torch::Tensor glccl_scores(const GlcclTexts& texts, const GlcclVideos& videos, const GlcclMatrices& matrices,
                           const GlcclRules& rules);

// S_vs, S_vw, S_sf, S_fw apart. -> [4, A, B]
torch::Tensor glccl_four_scores(const GlcclTexts& texts, const GlcclVideos& videos, const GlcclMatrices& matrices,
                                const GlcclRules& rules);

// Whom the pairs look at: `frames` [A, B, T], GLIM's weights over the frames for the sentence, and `words` [A, B, L],
// the softmax over the words in S_vw, before its matrix.
struct GlcclAttention {
  torch::Tensor frames, words;
};
GlcclAttention glccl_attention(const GlcclTexts& texts, const GlcclVideos& videos, const GlcclRules& rules,
                               const torch::Tensor& visual);

}  // namespace glint
