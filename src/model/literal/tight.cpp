#include "model/literal/tight.h"

#include <torch/torch.h>

#include <cmath>
#include <string>
#include "model/literal/forms.h"

// A texts, B videos, T frames, D width, S = T + 1 positions, H heads of width d.
namespace glint::literal {

namespace {

torch::Tensor layer_norm(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  const auto centred = x - x.mean(-1, /*keepdim=*/true);
  return weight * (centred / (centred.square().mean(-1, /*keepdim=*/true) + 1e-12).sqrt()) + bias;
}

torch::Tensor quick_gelu(const torch::Tensor& x) {
  return x * torch::sigmoid(1.702 * x);
}

// One pre-norm layer. x [A, B, S, D], bias [B, S] on the keys.
torch::Tensor layer(const TensorMap& parameters, const std::string& prefix, const torch::Tensor& x,
                    const torch::Tensor& bias) {
  const auto p = [&](const char* name) { return parameters.at(prefix + name); };
  const auto D = x.size(-1), H = D / 64;
  const auto parts =
      torch::linear(layer_norm(x, p("ln_1.weight"), p("ln_1.bias")), p("attn.in_proj_weight"), p("attn.in_proj_bias"))
          .view({x.size(0), x.size(1), x.size(2), 3, H, 64})
          .unbind(3);  // 3 x [A, B, S, H, d]
  const auto logits = torch::einsum("abqhd,abkhd->abhqk", {parts[0], parts[1]}) / std::sqrt(64.0);
  const auto weights = (logits + bias.unsqueeze(1).unsqueeze(1)).softmax(-1);
  const auto mixed = torch::einsum("abhqk,abkhd->abqhd", {weights, parts[2]}).flatten(3);
  const auto seen = x + torch::linear(mixed, p("attn.out_proj.weight"), p("attn.out_proj.bias"));
  const auto hidden =
      torch::linear(layer_norm(seen, p("ln_2.weight"), p("ln_2.bias")), p("mlp.c_fc.weight"), p("mlp.c_fc.bias"));
  return seen + torch::linear(quick_gelu(hidden), p("mlp.c_proj.weight"), p("mlp.c_proj.bias"));
}

}  // namespace

torch::Tensor tight(const TensorMap& parameters, const torch::Tensor& sentence, const torch::Tensor& frames,
                    const torch::Tensor& mask) {
  const auto A = sentence.size(0), B = frames.size(0), T = frames.size(1), D = frames.size(2);
  const auto of_text = sentence.view({A, 1, 1, D}).expand({A, B, 1, D});
  auto x = torch::cat({of_text, frames.unsqueeze(0).expand({A, B, T, D})}, 2);  // [A, B, S, D]
  x = x + parameters.at("position_embeddings").slice(0, 0, T + 1);
  const auto seen = torch::cat({torch::ones({B, 1}, frames.options()), mask.to(frames.dtype())}, 1);  // [B, S]
  for (int64_t i = 0; parameters.count("resblocks." + std::to_string(i) + ".ln_1.bias") != 0; ++i) {
    x = layer(parameters, "resblocks." + std::to_string(i) + ".", x, (1 - seen) * -1e6);
  }
  const auto first = layer_norm(x, parameters.at("ln_pool.weight"), parameters.at("ln_pool.bias")).select(2, 0);
  const auto pooled = quick_gelu(torch::linear(first, parameters.at("dense.weight"), parameters.at("dense.bias")));
  return torch::linear(pooled, parameters.at("similarity_dense.weight"), parameters.at("similarity_dense.bias"))
      .squeeze(-1);
}

namespace {

class TightForm final : public RetrievalHead {
 public:
  explicit TightForm(const RetrievalHead& head) : parameters_(copies(head)) {}
  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override {
    return tight(parameters_, text.sentence, video.frames, video.mask);
  }

 protected:
  PairExplanation explain_pair(const TextFeatures& text, const VideoFeatures& video) override {
    return {.parts = {{"logit", score(text, video).item<double>()}}, .frames = {}, .words = {}, .frame_parts = {}};
  }

 private:
  TensorMap parameters_;
};

}  // namespace

std::shared_ptr<RetrievalHead> tight_form(const RetrievalHead& head) {
  return std::make_shared<TightForm>(head);
}

}  // namespace glint::literal
