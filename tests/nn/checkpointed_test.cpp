#include "glint/nn/checkpointed.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "glint/nn/autocast.h"
#include "glint/nn/transformer.h"

namespace glint {
namespace {

double distance(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST(RecomputeTest, ValuesAndGradientsAreThoseOfTheFunction) {
  torch::manual_seed(1);
  const auto x = torch::randn({3, 4}, torch::requires_grad()), w = torch::randn({4, 4}, torch::requires_grad());
  const auto constant = torch::randn({3, 4});
  int calls = 0;
  const auto function = [&](const std::vector<torch::Tensor>& in) {
    ++calls;
    return in[0].matmul(in[1]).tanh() * in[2];
  };
  const auto plain = function({x, w, constant});
  const auto expected = torch::autograd::grad({plain.square().sum()}, {x, w});
  calls = 0;
  const auto again = checkpointed(function, {x, w, constant});
  EXPECT_EQ(distance(again, plain), 0);
  EXPECT_EQ(calls, 1);
  const auto gradients = torch::autograd::grad({again.square().sum()}, {x, w});
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(distance(gradients[0], expected[0]), 0);
  EXPECT_EQ(distance(gradients[1], expected[1]), 0);
}

TEST(RecomputeTest, WhatNeedsNoGradientIsLeftOut) {
  const auto x = torch::randn({2, 3}), w = torch::randn({3, 3}, torch::requires_grad());
  const auto y = checkpointed([](const auto& in) { return in[0].matmul(in[1]); }, {x, w});
  y.sum().backward();
  EXPECT_TRUE(w.grad().defined());
  EXPECT_FALSE(x.grad().defined());
}

TEST(RecomputeTest, BlocksGiveTheSameGradientsUnderAMask) {
  torch::manual_seed(2);
  BlockStack blocks(2, {.width = 32, .heads = 2});
  const auto x = torch::randn({2, 5, 32}, torch::requires_grad());
  const AttentionMask mask = {.causal = false, .bias = torch::randn({2, 1, 1, 5})};
  const auto run = [&] {
    blocks.zero_grad();
    const auto y = blocks[1].forward_row(x.select(1, 0).contiguous(), blocks[0].forward(x, mask), mask.bias);
    std::vector<torch::Tensor> wanted = blocks.parameters();
    wanted.push_back(x);
    auto results = torch::autograd::grad({y.square().sum()}, wanted);
    results.push_back(y);
    return results;
  };
  const auto plain = run();
  recompute_blocks(blocks, true);
  const auto again = run();
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_LT(distance(plain[i], again[i]), 1e-6) << i;
}

TEST(RecomputeTest, ProductsRunInTheLowerPrecisionBothTimes) {
  torch::manual_seed(3);
  BlockStack blocks(1, {.width = 32, .heads = 2});
  const auto x = torch::randn({2, 5, 32}, torch::requires_grad());
  const auto gradient = [&] {
    torch::Tensor y;
    {
      const Autocast lower(torch::kCPU, torch::kBFloat16);
      EXPECT_EQ(autocast_type(torch::kCPU), torch::kBFloat16);
      y = blocks.forward(x, {});
    }
    EXPECT_EQ(autocast_type(torch::kCPU), torch::kFloat32);
    return torch::autograd::grad({y.to(torch::kFloat32).square().sum()}, {x})[0];
  };
  const auto plain = gradient();
  recompute_blocks(blocks, true);
  EXPECT_LT(distance(gradient(), plain), 1e-6);
}

}  // namespace
}  // namespace glint
