#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace glint {

struct QueryDecoderSizes {
  int64_t width = 512;
  int64_t layers = 3;
  int64_t heads = 8;  // divides width
  int64_t ffn = 2048;
  double dropout = 0.1;     // of attention weights, of each sublayer's result, inside the feed-forward part
  bool cross_only = false;  // a layer is its cross-attention alone, as in the paper's figure
};

// Learned queries read the tokens of an item (methods 3.3): post-norm decoder layers, ReLU, no positions, no norm after
// the last. Parameter names and start are those of PyTorch's TransformerDecoder: all layers start as copies of one.
// N items, Q queries, M tokens, D width.
class QueryDecoder final : public torch::nn::Module {
 public:
  explicit QueryDecoder(const QueryDecoderSizes& sizes);
  ~QueryDecoder() override;

  // queries [Q, D], memory [N, M, D], mask [N, M] (0: hidden) or undefined -> [N, Q, D]
  torch::Tensor forward(const torch::Tensor& queries, const torch::Tensor& memory, const torch::Tensor& mask);

 private:
  class Layer;
  std::vector<std::shared_ptr<Layer>> layers_;
};

}  // namespace glint
