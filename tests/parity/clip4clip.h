#pragma once

#include <memory>
#include <string>

#include "glint/nn/temporal_encoder.h"
#include "support/golden.h"

namespace glint::test {

// The temporal encoder with the weights that the case gives under the released names (transformerClip.*,
// frame_position_embeddings.weight, lstm_visual.*).
std::shared_ptr<TemporalEncoder> temporal_encoder_of(const GoldenCase& golden, const std::string& name,
                                                     CaseReport& report);

// Its gradients, as "<prefix><released name>".
TensorMap gradients_of(const TemporalEncoder& encoder, const std::string& prefix);

// The norms that "gradnorm" holds, one a name of `grad_names`; NaN where "grad.<name>" has no gradient.
torch::Tensor gradient_norms(const GoldenCase& golden, const TensorMap& results);

// CLIP4Clip's mean pooling of frames and its scores, by the mean_pool head.
struct MeanPooled {
  torch::Tensor pooled;  // [B, D]
  torch::Tensor cosine;  // [A, B]
};
MeanPooled mean_pooled(const torch::Tensor& text, const torch::Tensor& frames, const torch::Tensor& mask);

}  // namespace glint::test
