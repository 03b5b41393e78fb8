#include "glint/nn/transformer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "glint/core/error.h"

namespace glint {
namespace {

// N sequences, S positions, W width, H heads.
constexpr BlockSizes kBlockSizes{.width = 24, .heads = 3, .layer_norm_eps = 1e-5};

// Methods 1.2 word for word: the judge of the fast block. `bias` [N or 1, 1 or H, S, S] or undefined.
torch::Tensor literal_block(TransformerBlock& block, const torch::Tensor& x, const torch::Tensor& bias) {
  const auto n = x.size(0), s = x.size(1), w = x.size(2), d = w / kBlockSizes.heads;
  const auto normed = torch::layer_norm(x, {w}, block.ln_1->weight, block.ln_1->bias, kBlockSizes.layer_norm_eps);
  std::vector<torch::Tensor> heads;
  for (int part = 0; part < 3; ++part) {
    const auto rows = torch::indexing::Slice(part * w, (part + 1) * w);
    const auto one =
        torch::linear(normed, block.attn->in_proj_weight.index({rows}), block.attn->in_proj_bias.index({rows}));
    heads.push_back(one.view({n, s, kBlockSizes.heads, d}).transpose(1, 2));  // [N, H, S, d]
  }
  auto logits = torch::matmul(heads[0], heads[1].transpose(2, 3)) / std::sqrt(static_cast<double>(d));
  if (bias.defined()) logits = logits + bias;
  const auto mixed = torch::matmul(logits.softmax(-1), heads[2]).transpose(1, 2).reshape({n, s, w});
  const auto seen = x + torch::linear(mixed, block.attn->out_proj->weight, block.attn->out_proj->bias);
  const auto hidden =
      torch::linear(torch::layer_norm(seen, {w}, block.ln_2->weight, block.ln_2->bias, kBlockSizes.layer_norm_eps),
                    block.mlp->c_fc->weight, block.mlp->c_fc->bias);
  return seen +
         torch::linear(hidden * torch::sigmoid(1.702 * hidden), block.mlp->c_proj->weight, block.mlp->c_proj->bias);
}

TransformerBlock random_block() {
  torch::manual_seed(5);
  TransformerBlock block(kBlockSizes);
  torch::NoGradGuard no_grad;
  for (auto& parameter : block.parameters()) parameter.add_(0.1 * torch::randn_like(parameter));
  return block;
}

torch::Tensor causal_bias(int64_t positions) {
  return torch::full({positions, positions}, -INFINITY).triu(1);
}

void expect_close(const torch::Tensor& actual, const torch::Tensor& expected, double atol = 1e-5) {
  ASSERT_EQ(actual.sizes(), expected.sizes());
  EXPECT_LE((actual - expected).abs().max().item<double>(), atol);
}

TEST(TransformerBlockTest, IsTheFormulaWithEveryKindOfMaskAndItsGradients) {
  auto block = random_block();
  const auto padding = torch::randn({4, 1, 1, 7}) * 3;
  const std::pair<AttentionMask, torch::Tensor> masks[] = {
      {{}, {}}, {{.causal = true, .bias = {}}, causal_bias(7)}, {{.causal = false, .bias = padding}, padding}};
  for (const auto& [mask, bias] : masks) {
    const auto x = torch::randn({4, 7, 24}).set_requires_grad(true), probe = torch::randn({4, 7, 24});
    auto inputs = block.parameters();
    inputs.push_back(x);
    const auto fast = block.forward(x, mask), slow = literal_block(block, x, bias);
    expect_close(fast, slow);
    const auto ours = torch::autograd::grad({(fast * probe).sum()}, inputs);
    const auto theirs = torch::autograd::grad({(slow * probe).sum()}, inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i) expect_close(ours[i], theirs[i], 1e-4);
  }
}

TEST(TransformerBlockTest, OneRowIsThatRowOfTheWholeBlockAndHasItsGradients) {
  auto block = random_block();
  const auto x = torch::randn({4, 7, 24}).set_requires_grad(true), probe = torch::randn({4, 24});
  auto inputs = block.parameters();
  inputs.push_back(x);
  const auto bias = causal_bias(7);
  const auto row = block.forward_row(x.select(1, 3), x, bias[3].expand({4, 1, 1, 7}));
  const auto whole = block.forward(x, {.causal = true, .bias = {}}).select(1, 3);
  expect_close(row, whole);
  const auto ours = torch::autograd::grad({(row * probe).sum()}, inputs);
  const auto theirs = torch::autograd::grad({(whole * probe).sum()}, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) expect_close(ours[i], theirs[i], 1e-4);
}

TEST(TransformerBlockTest, ParameterNamesAreThoseOfTheReleasedWeights) {
  BlockStack stack(2, kBlockSizes);
  EXPECT_THAT(stack[1].named_parameters().keys(),
              testing::UnorderedElementsAre("attn.in_proj_weight", "attn.in_proj_bias", "attn.out_proj.weight",
                                            "attn.out_proj.bias", "ln_1.weight", "ln_1.bias", "mlp.c_fc.weight",
                                            "mlp.c_fc.bias", "mlp.c_proj.weight", "mlp.c_proj.bias", "ln_2.weight",
                                            "ln_2.bias"));
  EXPECT_TRUE(stack.named_parameters().contains("1.attn.in_proj_weight"));
}

TEST(BlockStackTest, TheLastBlocksRowAfterTheOthersIsTheRowOfAll) {
  torch::manual_seed(6);
  BlockStack stack(3, kBlockSizes);
  const auto x = torch::randn({2, 5, 24});
  const auto before = stack[1].forward(stack[0].forward(x, {}), {});
  expect_close(stack[2].forward_row(before.select(1, 0), before), stack.forward(x, {}).select(1, 0));
}

TEST(AttentionTest, RefusesACausalMaskWithABias) {
  const auto q = torch::randn({1, 1, 2, 4});
  EXPECT_THROW(attention(q, q, q, {.causal = true, .bias = torch::zeros({2, 2})}), Bug);
}

}  // namespace
}  // namespace glint
