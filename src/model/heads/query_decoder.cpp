#include "model/heads/query_decoder.h"

#include <cmath>
#include <limits>
#include <string>

#include "glint/nn/linear.h"

namespace glint {
namespace {

namespace nn = torch::nn;

// PyTorch's multi-head attention, items first. N items, Q queries, M tokens, H heads, D width, E = D / H.
class Attention final : public nn::Module {
 public:
  Attention(const QueryDecoderSizes& sizes) : heads_(sizes.heads), dropout_(sizes.dropout) {
    in_proj_weight_ = register_parameter("in_proj_weight", torch::empty({3 * sizes.width, sizes.width}));
    in_proj_bias_ = register_parameter("in_proj_bias", torch::zeros({3 * sizes.width}));
    out_proj_ = register_module("out_proj", nn::Linear(sizes.width, sizes.width));
    nn::init::xavier_uniform_(in_proj_weight_);
    nn::init::zeros_(out_proj_->bias);
  }

  // x [N or 1, Q, D] sees itself -> [N, Q, D]
  torch::Tensor over_itself(const torch::Tensor& x, int64_t N) {
    const auto parts = fast_linear(x, in_proj_weight_, in_proj_bias_)  // [N or 1, Q, 3D]
                           .view({x.size(0), x.size(1), 3, heads_, -1})
                           .permute({2, 0, 3, 1, 4});  // [3, N or 1, H, Q, E]
    return attend(parts[0], parts[1], parts[2], {}, N);
  }

  // x [N or 1, Q, D] sees memory [N, M, D] but where hidden [N, 1, 1, M] says no -> [N, Q, D]
  torch::Tensor over(const torch::Tensor& memory, const torch::Tensor& x, const torch::Tensor& hidden) {
    const auto D = memory.size(-1);
    const auto query = fast_linear(x, in_proj_weight_.narrow(0, 0, D), in_proj_bias_.narrow(0, 0, D))
                           .view({x.size(0), x.size(1), heads_, -1})
                           .transpose(1, 2);  // [N or 1, H, Q, E]
    const auto parts = fast_linear(memory, in_proj_weight_.narrow(0, D, 2 * D), in_proj_bias_.narrow(0, D, 2 * D))
                           .view({memory.size(0), memory.size(1), 2, heads_, -1})
                           .permute({2, 0, 3, 1, 4});  // [2, N, H, M, E]
    return attend(query, parts[0], parts[1], hidden, memory.size(0));
  }

 private:
  torch::Tensor attend(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value,
                       const torch::Tensor& hidden, int64_t N) {
    const double scale = 1 / std::sqrt(static_cast<double>(query.size(-1)));
    auto logits = torch::matmul(query * scale, key.transpose(-2, -1));  // [N or 1, H, Q, M]
    // Finite, so that an item with nothing to see weighs its padding alike instead of becoming NaN.
    if (hidden.defined()) logits = logits.masked_fill(hidden, std::numeric_limits<float>::lowest());
    auto weights = logits.softmax(-1);
    if (is_training() && dropout_ > 0) weights = torch::dropout(weights.expand({N, -1, -1, -1}), dropout_, true);
    const auto seen = torch::matmul(weights, value).transpose(1, 2).flatten(2);  // [N or 1, Q, D]
    return fast_linear(seen, out_proj_->weight, out_proj_->bias);
  }

  int64_t heads_;
  double dropout_;
  torch::Tensor in_proj_weight_, in_proj_bias_;
  nn::Linear out_proj_{nullptr};
};

}  // namespace

class QueryDecoder::Layer final : public nn::Module {
 public:
  explicit Layer(const QueryDecoderSizes& sizes) : dropout_(sizes.dropout), cross_only_(sizes.cross_only) {
    const nn::LayerNormOptions norm({sizes.width});
    multihead_attn_ = register_module("multihead_attn", std::make_shared<Attention>(sizes));
    norm2_ = register_module("norm2", nn::LayerNorm(norm));
    if (cross_only_) return;
    self_attn_ = register_module("self_attn", std::make_shared<Attention>(sizes));
    linear1_ = register_module("linear1", nn::Linear(sizes.width, sizes.ffn));
    linear2_ = register_module("linear2", nn::Linear(sizes.ffn, sizes.width));
    norm1_ = register_module("norm1", nn::LayerNorm(norm));
    norm3_ = register_module("norm3", nn::LayerNorm(norm));
  }

  // x [N or 1, Q, D]: one for all where all are alike, as before the first layer -> [N, Q, D]
  torch::Tensor forward(torch::Tensor x, const torch::Tensor& memory, const torch::Tensor& hidden) {
    if (!cross_only_) x = norm1_->forward(x + drop(self_attn_->over_itself(x, memory.size(0))));
    x = norm2_->forward(x + drop(multihead_attn_->over(memory, x, hidden)));
    if (!cross_only_) x = norm3_->forward(x + drop(feed_forward(x)));
    return x;
  }

 private:
  torch::Tensor feed_forward(const torch::Tensor& x) const {
    const auto hidden = fast_linear(x, linear1_->weight, linear1_->bias).relu();  // [N, Q, ffn]
    return fast_linear(drop(hidden), linear2_->weight, linear2_->bias);
  }

  torch::Tensor drop(const torch::Tensor& x) const {
    return is_training() && dropout_ > 0 ? torch::dropout(x, dropout_, true) : x;
  }

  double dropout_;
  bool cross_only_;
  std::shared_ptr<Attention> self_attn_, multihead_attn_;
  nn::Linear linear1_{nullptr}, linear2_{nullptr};
  nn::LayerNorm norm1_{nullptr}, norm2_{nullptr}, norm3_{nullptr};
};

QueryDecoder::QueryDecoder(const QueryDecoderSizes& sizes) {
  nn::ModuleList layers;
  for (int64_t i = 0; i < sizes.layers; ++i) {
    layers_.push_back(std::make_shared<Layer>(sizes));
    layers->push_back(layers_.back());
  }
  register_module("layers", layers);
  torch::NoGradGuard no_grad;
  const auto first = layers_.front()->named_parameters();
  for (const auto& layer : layers_) {
    for (auto& parameter : layer->named_parameters()) parameter.value().copy_(first[parameter.key()]);
  }
}

QueryDecoder::~QueryDecoder() = default;

torch::Tensor QueryDecoder::forward(const torch::Tensor& queries, const torch::Tensor& memory,
                                    const torch::Tensor& mask) {
  const auto hidden = mask.defined() ? (mask == 0).unsqueeze(1).unsqueeze(1) : torch::Tensor();  // [N, 1, 1, M]
  auto x = queries.unsqueeze(0);                                                                 // [1, Q, D]
  for (const auto& layer : layers_) x = layer->forward(x, memory, hidden);
  return x;
}

}  // namespace glint
