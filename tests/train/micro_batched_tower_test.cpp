#include "train/micro_batched_tower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace glint::test {
namespace {

constexpr int64_t kTowerItems = 7, kTowerPart = 3, kTowerTokens = 2,
                  kTowerWidth = 5;  // the last part is smaller than the others

using Rows = std::pair<int64_t, int64_t>;

// A tower of one weight: text i's sentence is i times it. Tells in `encoded` what it was asked for.
MicroBatchedTower<TextFeatures> tower(const torch::Tensor& weight, std::vector<Rows>& encoded) {
  return {kTowerItems, kTowerPart, [&weight, &encoded](int64_t begin, int64_t end) {
            encoded.emplace_back(begin, end);
            TextFeatures some;
            some.sentence = torch::arange(begin, end).to(torch::kFloat32).unsqueeze(1) * weight;
            some.mask = torch::ones({end - begin, kTowerTokens}, torch::kInt64);
            return some;
          }};
}

TEST(MicroBatchedTowerTest, ItsLeavesAreTheFeaturesOfAllItemsWithoutWhatMadeThem) {
  const auto weight = torch::randn({kTowerWidth}).set_requires_grad(true);
  std::vector<Rows> encoded;
  const auto all = tower(weight, encoded).leaves();
  EXPECT_THAT(encoded, testing::ElementsAre(Rows(0, 3), Rows(3, 6), Rows(6, 7)));
  EXPECT_TRUE(torch::equal(all.sentence, torch::arange(kTowerItems).unsqueeze(1) * weight));
  EXPECT_TRUE(torch::equal(all.mask, torch::ones({kTowerItems, kTowerTokens}, torch::kInt64)));
  EXPECT_TRUE(all.sentence.is_leaf() && all.sentence.requires_grad());
  EXPECT_FALSE(all.mask.requires_grad());
  EXPECT_FALSE(all.words.defined());
}

TEST(MicroBatchedTowerTest, GradientsOfAllItemsReachTheWeightPartByPart) {
  const auto weight = torch::randn({kTowerWidth}).set_requires_grad(true);
  const auto gradient = torch::randn({kTowerItems, kTowerWidth});
  std::vector<Rows> encoded;
  std::vector<bool> is_last;
  tower(weight, encoded).carry({gradient, torch::Tensor()}, [&](const auto& outputs, const auto& given, bool last) {
    torch::autograd::backward(outputs, given);
    is_last.push_back(last);
  });
  EXPECT_THAT(encoded, testing::ElementsAre(Rows(0, 3), Rows(3, 6), Rows(6, 7)));
  EXPECT_THAT(is_last, testing::ElementsAre(false, false, true));
  const auto expected = (torch::arange(kTowerItems).unsqueeze(1) * gradient).sum(0);
  EXPECT_TRUE(torch::allclose(weight.grad(), expected, 1e-5, 1e-6));
}

TEST(MicroBatchedTowerTest, FeaturesThatTakeNoGradientAreNotAskedForOne) {
  const auto frozen = torch::randn({kTowerWidth});
  std::vector<Rows> encoded;
  tower(frozen, encoded)
      .carry({torch::randn({kTowerItems, kTowerWidth}), torch::Tensor()},
             [&](const auto& outputs, const auto& given, bool) {
               EXPECT_THAT(outputs, testing::IsEmpty());
               EXPECT_THAT(given, testing::IsEmpty());
             });
  EXPECT_EQ(encoded.size(), 3U);
}

}  // namespace
}  // namespace glint::test
