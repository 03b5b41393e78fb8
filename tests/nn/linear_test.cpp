#include "glint/nn/linear.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace glint {
namespace {

void expect_within(const torch::Tensor& actual, const torch::Tensor& expected) {
  ASSERT_EQ(actual.sizes(), expected.sizes());
  const auto scale = expected.numel() == 0 ? 1.0 : expected.abs().max().item<double>() + 1;
  EXPECT_TRUE(torch::allclose(actual, expected, /*rtol=*/0, /*atol=*/1e-5 * scale));
}

torch::Tensor leaf(torch::Tensor value) {
  return value.clone().set_requires_grad(true);
}

// Against LibTorch's linear in float64: value and the gradients of everything that goes in.
void expect_affine(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  std::vector<torch::Tensor> ours = {leaf(x), leaf(weight)},
                             theirs = {leaf(x.to(torch::kFloat64)), leaf(weight.to(torch::kFloat64))};
  if (bias.defined()) ours.push_back(leaf(bias));
  if (bias.defined()) theirs.push_back(leaf(bias.to(torch::kFloat64)));
  const auto y = fast_linear(ours[0], ours[1], bias.defined() ? ours[2] : torch::Tensor());
  const auto want = torch::linear(theirs[0], theirs[1], bias.defined() ? theirs[2] : torch::Tensor());
  expect_within(y, want.to(torch::kFloat32));
  const auto probe = torch::randn(y.sizes());
  const auto gradients = torch::autograd::grad({(y * probe).sum()}, ours);
  const auto wanted = torch::autograd::grad({(want * probe).sum()}, theirs);
  for (std::size_t i = 0; i < ours.size(); ++i) expect_within(gradients[i], wanted[i].to(torch::kFloat32));
}

TEST(LinearTest, ValuesAndGradientsAreThoseOfTheProductForAnyShapeAndStride) {
  torch::manual_seed(3);
  for (const int64_t rows : {1, 3, 64, 129}) {
    for (const int64_t in : {1, 17, 64}) {
      for (const int64_t out : {1, 33}) {
        const auto weight = torch::randn({out, in}), bias = torch::randn({out});
        expect_affine(torch::randn({rows, in}), weight, bias);
        expect_affine(torch::randn({2, rows, in}), weight, {});
        expect_affine(torch::randn({rows, 2 * in}).slice(1, in), torch::randn({in, out}).t(), bias);
      }
    }
  }
}

TEST(LinearTest, NoRowsGiveNoRows) {
  EXPECT_EQ(fast_linear(torch::zeros({0, 4}), torch::ones({3, 4}), torch::ones({3})).sizes(),
            torch::IntArrayRef({0, 3}));
}

TEST(LinearTest, OnlyWhatAsksForAGradientGetsOne) {
  const auto x = torch::randn({5, 4}), weight = torch::randn({3, 4}), bias = leaf(torch::randn({3}));
  fast_linear(x, weight, bias).sum().backward();  // an expanded gradient
  EXPECT_TRUE(torch::equal(bias.grad(), torch::full({3}, 5.0)));
  EXPECT_FALSE(fast_linear(x, weight).requires_grad());
}

TEST(LinearTest, OtherTypesAreLibTorchs) {
  const auto x = torch::randn({5, 4}, torch::kFloat64), weight = torch::randn({3, 4}, torch::kFloat64);
  EXPECT_TRUE(torch::equal(fast_linear(x, weight), torch::linear(x, weight)));
}

}  // namespace
}  // namespace glint
