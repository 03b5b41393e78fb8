#include "model/literal/xpool.h"

#include <torch/torch.h>

#include <cmath>

namespace glint::literal {

torch::Tensor Xpool::linear(const std::string& name, const torch::Tensor& x) const {
  return torch::matmul(x, weights.at("pool_frames." + name + ".weight").t()) +
         weights.at("pool_frames." + name + ".bias");
}

torch::Tensor Xpool::norm(const std::string& name, const torch::Tensor& x) const {
  const auto mean = x.mean(-1, /*keepdim=*/true);
  const auto variance = (x - mean).pow(2).mean(-1, /*keepdim=*/true);
  return (x - mean) / (variance + 1e-5).sqrt() * weights.at("pool_frames." + name + ".weight") +
         weights.at("pool_frames." + name + ".bias");
}

torch::Tensor Xpool::pooled(const torch::Tensor& sentence, const torch::Tensor& frames) const {
  const auto q = linear("cross_attn.q_proj", norm("layer_norm1", sentence));  // [A, D]
  const auto k = linear("cross_attn.k_proj", norm("layer_norm1", frames));    // [B, T, D]
  const auto v = linear("cross_attn.v_proj", norm("layer_norm1", frames));    // [B, T, D]
  const auto dots = torch::einsum("ad,btd->bat", {q, k}) / std::sqrt(static_cast<double>(sentence.size(1)));
  const auto o = linear("cross_attn.out_proj", torch::einsum("bat,btd->bad", {dots.softmax(-1), v}));  // [B, A, D]
  const auto y = norm("layer_norm2", o);
  return norm("layer_norm3", y + linear("linear_proj", y));
}

torch::Tensor Xpool::scores(const torch::Tensor& sentence, const torch::Tensor& frames) const {
  const auto z = pooled(sentence, frames);
  const auto dots = torch::einsum("ad,bad->ab", {sentence, z});
  return dots / sentence.norm(2, -1).unsqueeze(1) / z.norm(2, -1).t();
}

}  // namespace glint::literal
