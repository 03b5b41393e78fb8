#pragma once

#include <torch/types.h>

namespace glint {

// Text-guided pooling (methods 3.2): each text weighs a video's frames by softmax(<c, V_t> / temperature) and is
// compared with their weighted sum v by the cosine <c, v> / (|c| |v|). Exact, and never with an [A, B, D] tensor: |v|^2
// = w' G w with the Gram matrix G = V V' of each video. A texts, B videos, T frames, D width.

struct PoolingTexts {
  torch::Tensor sentence;  // [A, D]
  torch::Tensor norm;      // [A]
};

struct PoolingVideos {
  torch::Tensor frames;  // [B, T, D]
  torch::Tensor mask;    // [B, T], 0 on padding
  torch::Tensor gram;    // [B, T, T]
};

// -> [A, B]. 0 where the cosine has no value: a zero sentence, no frame left by the mask, frames that sum to zero.
// Differentiable where autograd is on and something asks for it; otherwise block by block of pairs.
torch::Tensor text_guided_cosine(const PoolingTexts& texts, const PoolingVideos& videos, double temperature);

// Its parts, in operators that autograd knows, for N texts or words a video. dots, weights [B, T, N].

// softmax over T of dots / temperature; padding (mask [B, T] is 0, undefined hides nothing) takes no weight.
torch::Tensor frame_softmax(const torch::Tensor& dots, const torch::Tensor& mask, double temperature);

// The weights divided by |sum_t w_t V_t|; 0 where that is 0. frames [B, T, D], gram [B, T, T]
torch::Tensor unit_weights(const torch::Tensor& weights, const torch::Tensor& frames, const torch::Tensor& gram);

}  // namespace glint
