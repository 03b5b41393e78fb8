#include "optim/adam_update.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>

#include "optim/gradient_norm.h"

// Both forms of a step and of its norms, on the CPU; OptimizerTest judges what the kernels' give.
namespace glint::test {
namespace {

// Without corrections as BertAdam has it, and with them as AdamW.
AdamRule some_rule(bool corrected) {
  return {.lr = 0.02f,
          .weight_decay = 0.1f,
          .beta1 = 0.9f,
          .one_minus_beta1 = 0.1f,
          .beta2 = 0.98f,
          .one_minus_beta2 = 0.02f,
          .eps = 1e-6f,
          .gradient_scale = corrected ? 1.0f : 0.3f,
          .m_correction = corrected ? 1.7f : 1.0f,
          .v_correction = corrected ? 2.3f : 1.0f};
}

// Sizes that do not divide by the kernel's width, a scalar, an empty tensor and one of several pieces; a rate of its
// own each.
std::vector<AdamItem> some_items(bool corrected) {
  torch::manual_seed(3);
  std::vector<AdamItem> items;
  for (const auto& shape : std::vector<std::vector<int64_t>>{{3, 5}, {}, {7}, {0, 4}, {1, 70001}}) {
    auto rule = some_rule(corrected);
    rule.lr *= static_cast<float>(items.size() + 1);
    items.push_back({rule, torch::randn(shape), torch::randn(shape), torch::rand(shape), torch::randn(shape)});
  }
  return items;
}

std::vector<torch::Tensor> gradients(const std::vector<AdamItem>& items) {
  std::vector<torch::Tensor> all;
  for (const auto& item : items) all.push_back(item.gradient);
  return all;
}

TEST(AdamUpdateTest, TheOperatorsGiveWhatTheKernelsGive) {
  for (const bool corrected : {false, true}) {
    const auto kernels = some_items(corrected), operators = some_items(corrected);
    for (int step = 0; step < 6; ++step) {
      update_by_kernels(kernels);
      update_by_operators(operators);
    }
    for (std::size_t i = 0; i < kernels.size(); ++i) {
      EXPECT_TRUE(torch::allclose(operators[i].parameter, kernels[i].parameter, 1e-5, 1e-6)) << corrected << i;
      EXPECT_TRUE(torch::allclose(operators[i].m, kernels[i].m, 1e-5, 1e-7)) << corrected << i;
      EXPECT_TRUE(torch::allclose(operators[i].v, kernels[i].v, 1e-5, 1e-7)) << corrected << i;
    }
  }
}

TEST(AdamUpdateTest, EitherFormLeavesGradientsAndTellsAutograd) {
  for (const auto form : {update_by_kernels, update_by_operators, update}) {
    const auto items = some_items(false);
    const auto gradient = items.back().gradient.clone(), before = items.back().parameter.clone();
    const auto version = items.back().parameter._version();
    form(items);
    EXPECT_TRUE(torch::equal(items.back().gradient, gradient));
    EXPECT_FALSE(torch::equal(items.back().parameter, before));
    EXPECT_GT(items.back().parameter._version(), version);
  }
}

TEST(AdamUpdateTest, EitherFormKnowsTheNormsAlsoThoseThatAreNoNumbers) {
  auto tensors = gradients(some_items(false));
  tensors[2].fill_(std::numeric_limits<float>::quiet_NaN());
  for (const auto form : {squared_norms_by_kernels, squared_norms_by_operators, squared_norms}) {
    const auto squares = form(tensors);
    ASSERT_EQ(squares.size(), tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const double expected = tensors[i].to(torch::kFloat64).square().sum().item<double>();
      if (i == 2) {
        EXPECT_TRUE(std::isnan(squares[i]));
      } else {
        EXPECT_NEAR(squares[i], expected, 1e-5 * expected) << i;
      }
    }
  }
}

TEST(AdamUpdateTest, NothingIsNoWork) {
  update({});
  EXPECT_TRUE(squared_norms({}).empty());
}

}  // namespace
}  // namespace glint::test
