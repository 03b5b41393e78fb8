#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <memory>
#include <string>

namespace glint {

// Lets the frames of a clip see one another (methods 2). V [B, T, D], mask [B, T] -> [B, T, D].
class TemporalEncoder : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& frames, const torch::Tensor& mask) = 0;
};

struct TemporalSizes {
  int64_t width = 512;  // D; seq_transf has width / 64 heads
  int64_t layers = 4;
  int64_t position_rows = 77;  // T at most
};

// "none", "seq_lstm", "seq_transf". Parameters: frame_position_embeddings.weight, resblocks.<i>.*; lstm.*.
std::shared_ptr<TemporalEncoder> make_temporal_encoder(const std::string& name, const TemporalSizes& sizes);

}  // namespace glint
