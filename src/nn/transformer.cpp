#include "glint/nn/transformer.h"

#include <torch/torch.h>

#include <cmath>
#include <string>

#include "glint/core/error.h"
#include "glint/nn/checkpointed.h"
#include "glint/nn/initialisation.h"
#include "glint/nn/linear.h"

namespace glint {

namespace {

torch::Tensor uniform(torch::IntArrayRef shape, double bound) {
  auto weight = torch::empty(shape);
  return initialises_parameters() ? weight.uniform_(-bound, bound) : weight;
}

torch::Tensor norm(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias, double eps) {
  return torch::layer_norm(x, weight.sizes(), weight, bias, eps);
}

std::vector<torch::Tensor> joined(std::vector<torch::Tensor> some, const std::vector<torch::Tensor>& others) {
  some.insert(some.end(), others.begin(), others.end());
  return some;
}

// x + MLP(LN2(x))
torch::Tensor feed_forward(const BlockFunction& f, const torch::Tensor& x) {
  const auto normed = norm(x, f.ln_2_weight, f.ln_2_bias, f.layer_norm_eps);
  return x + mlp(normed, f.c_fc_weight, f.c_fc_bias, f.c_proj_weight, f.c_proj_bias, f.activation);
}

}  // namespace

Linear::Linear(int64_t in, int64_t out) {
  const double bound = 1 / std::sqrt(static_cast<double>(in));
  weight = register_parameter("weight", uniform({out, in}, bound));
  bias = register_parameter("bias", uniform({out}, bound));
}

LayerNorm::LayerNorm(int64_t width, double epsilon) : eps(epsilon) {
  weight = register_parameter("weight", torch::ones({width}));
  bias = register_parameter("bias", torch::zeros({width}));
}

torch::Tensor LayerNorm::forward(const torch::Tensor& x) const {
  return norm(x, weight, bias, eps);
}

TransformerBlock::Attention::Attention(int64_t width) {
  const double bound = std::sqrt(6.0 / static_cast<double>(width + 3 * width));  // Xavier over the packed matrix
  in_proj_weight = register_parameter("in_proj_weight", uniform({3 * width, width}, bound));
  in_proj_bias = register_parameter("in_proj_bias", torch::zeros({3 * width}));
  out_proj = register_module("out_proj", std::make_shared<Linear>(width, width));
  torch::NoGradGuard no_grad;
  out_proj->bias.zero_();
}

TransformerBlock::Mlp::Mlp(int64_t width, int64_t hidden) {
  c_fc = register_module("c_fc", std::make_shared<Linear>(width, hidden));
  c_proj = register_module("c_proj", std::make_shared<Linear>(hidden, width));
}

TransformerBlock::TransformerBlock(const BlockSizes& sizes) : heads_(sizes.heads), activation_(sizes.activation) {
  GLINT_CHECK(sizes.heads > 0 && sizes.width % sizes.heads == 0, "width ", sizes.width, ", heads ", sizes.heads);
  attn = register_module("attn", std::make_shared<Attention>(sizes.width));
  ln_1 = register_module("ln_1", std::make_shared<LayerNorm>(sizes.width, sizes.layer_norm_eps));
  mlp = register_module("mlp", std::make_shared<Mlp>(sizes.width, sizes.hidden > 0 ? sizes.hidden : 4 * sizes.width));
  ln_2 = register_module("ln_2", std::make_shared<LayerNorm>(sizes.width, sizes.layer_norm_eps));
}

BlockFunction TransformerBlock::function() const {
  return {heads_,
          ln_1->eps,
          activation_,
          attn->in_proj_weight,
          attn->in_proj_bias,
          attn->out_proj->weight,
          attn->out_proj->bias,
          ln_1->weight,
          ln_1->bias,
          mlp->c_fc->weight,
          mlp->c_fc->bias,
          mlp->c_proj->weight,
          mlp->c_proj->bias,
          ln_2->weight,
          ln_2->bias};
}

torch::Tensor TransformerBlock::forward(const torch::Tensor& x, const AttentionMask& mask) {
  const auto block = function();
  if (!recompute_) return block.forward(x, mask);
  return checkpointed(
      [block, mask](const std::vector<torch::Tensor>& inputs) {
        return block.of_weights(inputs.data() + 1).forward(inputs[0], mask);
      },
      joined({x}, block.weights()));
}

torch::Tensor TransformerBlock::forward_row(const torch::Tensor& row, const torch::Tensor& x,
                                            const torch::Tensor& bias) {
  const auto block = function();
  if (!recompute_) return block.forward_row(row, x, bias);
  return checkpointed(
      [block, bias](const std::vector<torch::Tensor>& inputs) {
        return block.of_weights(inputs.data() + 2).forward_row(inputs[0], inputs[1], bias);
      },
      joined({row, x}, block.weights()));
}

void recompute_blocks(torch::nn::Module& root, bool on) {
  for (const auto& module : root.modules(/*include_self=*/false)) {
    if (auto* block = dynamic_cast<TransformerBlock*>(module.get())) block->recompute(on);
  }
}

std::vector<torch::Tensor> BlockFunction::weights() const {
  return {in_proj_weight, in_proj_bias, out_proj_weight, out_proj_bias, ln_1_weight, ln_1_bias,
          c_fc_weight,    c_fc_bias,    c_proj_weight,   c_proj_bias,   ln_2_weight, ln_2_bias};
}

BlockFunction BlockFunction::of_weights(const torch::Tensor* w) const {
  return {heads, layer_norm_eps, activation, w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9], w[10], w[11]};
}

torch::Tensor BlockFunction::forward(const torch::Tensor& x, const AttentionMask& mask) const {
  return forward_projected(x, project(x), mask);
}

torch::Tensor BlockFunction::project(const torch::Tensor& x) const {
  return fast_linear(norm(x, ln_1_weight, ln_1_bias, layer_norm_eps), in_proj_weight, in_proj_bias);
}

torch::Tensor BlockFunction::forward_projected(const torch::Tensor& x, const torch::Tensor& packed,
                                               const AttentionMask& mask) const {
  const auto n = x.size(0), s = x.size(1), w = x.size(2);
  const auto parts = packed.view({n, s, 3, heads, w / heads}).permute({2, 0, 3, 1, 4}).unbind();  // 3 x [N, H, S, d]
  const auto mixed = attention(parts[0], parts[1], parts[2], mask);                               // [N, S, W]
  return feed_forward(*this, x + fast_linear(mixed, out_proj_weight, out_proj_bias));
}

torch::Tensor BlockFunction::forward_row(const torch::Tensor& row, const torch::Tensor& x,
                                         const torch::Tensor& bias) const {
  const auto n = x.size(0), s = x.size(1), w = x.size(2), d = w / heads;
  const auto normed = [&](const torch::Tensor& any) { return norm(any, ln_1_weight, ln_1_bias, layer_norm_eps); };
  const auto weights = in_proj_weight.split_with_sizes({w, 2 * w});  // [W, W], [2W, W]
  const auto biases = in_proj_bias.split_with_sizes({w, 2 * w});
  const auto packed = fast_linear(normed(x), weights[1], biases[1]);                      // [N, S, 2W]
  const auto parts = packed.view({n, s, 2, heads, d}).permute({2, 0, 3, 1, 4}).unbind();  // 2 x [N, H, S, d]
  const auto query = fast_linear(normed(row), weights[0], biases[0]).view({n, heads, 1, d});
  const auto mixed = attention(query, parts[0], parts[1], {/*causal=*/false, bias}).squeeze(1);  // [N, W]
  return feed_forward(*this, row + fast_linear(mixed, out_proj_weight, out_proj_bias));
}

BlockStack::BlockStack(int64_t layers, const BlockSizes& sizes) {
  for (int64_t i = 0; i < layers; ++i) {
    blocks_.push_back(register_module(std::to_string(i), std::make_shared<TransformerBlock>(sizes)));
  }
}

torch::Tensor BlockStack::forward(torch::Tensor x, const AttentionMask& mask) {
  for (const auto& block : blocks_) x = block->forward(x, mask);
  return x;
}

void BlockStack::initialise_as_clip4clip() {
  torch::NoGradGuard no_grad;
  for (const auto& block : blocks_) {
    for (auto* affine : {block->attn->out_proj.get(), block->mlp->c_fc.get(), block->mlp->c_proj.get()}) {
      affine->weight.normal_(0, kClip4ClipStddev);
      affine->bias.zero_();
    }
  }
}

torch::Tensor attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                        const AttentionMask& mask) {
  GLINT_CHECK(!mask.causal || !mask.bias.defined(), "an attention mask is causal or has a bias, not both");
  const auto bias = mask.bias.defined() ? std::optional<torch::Tensor>(mask.bias) : std::nullopt;
  const auto mixed = at::scaled_dot_product_attention(q, k, v, bias, /*dropout_p=*/0.0, mask.causal);  // [N, H, S, d]
  return mixed.transpose(1, 2).flatten(2);                                                             // [N, S, H*d]
}

torch::Tensor mlp(const torch::Tensor& x, const torch::Tensor& c_fc_weight, const torch::Tensor& c_fc_bias,
                  const torch::Tensor& c_proj_weight, const torch::Tensor& c_proj_bias, Activation activation) {
  if (activation == Activation::kQuickGelu) {
    // QuickGELU(h) = silu(1.702 h) / 1.702. The factors go into the matrices, which are smaller than what they
    // multiply, so that the activation is LibTorch's silu: one pass forward and one backward.
    const auto hidden = fast_linear(x, kQuickGeluSlope * c_fc_weight, kQuickGeluSlope * c_fc_bias);
    return fast_linear(torch::silu(hidden), c_proj_weight / kQuickGeluSlope, c_proj_bias);
  }
  const auto* form = activation == Activation::kGeluTanh ? "tanh" : "none";
  return fast_linear(torch::gelu(fast_linear(x, c_fc_weight, c_fc_bias), form), c_proj_weight, c_proj_bias);
}

}  // namespace glint
