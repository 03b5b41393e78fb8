#include "glint/media/rand_augment.h"

#include <gtest/gtest.h>

#include <cmath>

#include "glint/core/error.h"
#include "support/literal_augment.h"

namespace glint {
namespace {

// Noise, blocks of black and white, few values side by side, or one colour: edges overshoot, flat parts must stay.
Image random_picture(int width, int height, Random& random) {
  Image image(width, height);
  const auto kind = random.below(4);
  const auto colour = static_cast<std::uint8_t>(random.below(256));
  for (auto& byte : image.rgb) {
    if (kind == 0) byte = static_cast<std::uint8_t>(random.below(256));
    if (kind == 1) byte = random.chance(0.5) ? 255 : 0;
    if (kind == 2) byte = static_cast<std::uint8_t>(100 + random.below(5));
    if (kind == 3) byte = colour;
  }
  return image;
}

AugmentStep random_step(AugmentOp op, Random& random) {
  return {op, random.uniform(0, 10), random.chance(0.5) ? 1 : -1};
}

AugmentOp op_at(int i) {
  return static_cast<AugmentOp>(i);
}

void expect_literal(RandAugment& augment, const Image& image, const AugmentStep& step) {
  const auto& actual = augment.apply(image, {step});
  EXPECT_EQ(actual.width, image.width);
  EXPECT_EQ(actual.height, image.height);
  EXPECT_EQ(actual.rgb, test::literal_augment(image, step.op, augment_argument(step)).rgb)
      << image.width << " x " << image.height << ", operation " << static_cast<int>(step.op) << ", level " << step.level
      << ", sign " << step.sign;
}

TEST(RandAugmentTest, EveryOperationEqualsTheLiteralFormula) {
  Random random({1});
  RandAugment augment;
  const std::pair<int, int> edges[] = {{1, 1}, {1, 9}, {9, 1}, {2, 2}, {3, 3}, {17, 31}, {64, 48}, {129, 70}};
  for (int op = 0; op < kAugmentOps; ++op) {
    for (const auto& [width, height] : edges) {
      expect_literal(augment, random_picture(width, height, random), random_step(op_at(op), random));
    }
    for (int round = 0; round < 12; ++round) {
      const int width = 1 + static_cast<int>(random.below(90)), height = 1 + static_cast<int>(random.below(90));
      expect_literal(augment, random_picture(width, height, random), random_step(op_at(op), random));
    }
  }
}

TEST(RandAugmentTest, TheEndsOfTheLevelsAreSafeAndExact) {
  Random random({2});
  RandAugment augment;
  const auto image = random_picture(40, 23, random);
  for (int op = 0; op < kAugmentOps; ++op) {
    for (const double level : {0.0, 10.0}) {
      for (const int sign : {1, -1}) expect_literal(augment, image, {op_at(op), level, sign});
    }
  }
  const Image copy = augment.apply(image, {{AugmentOp::kRotate, 0, 1}});
  EXPECT_EQ(copy.rgb, image.rgb);  // by nothing
}

TEST(RandAugmentTest, StepsFollowOneAnotherAndNoneGiveThePictureItself) {
  Random random({3});
  RandAugment augment;
  const auto image = random_picture(37, 29, random), before = image;
  EXPECT_EQ(&augment.apply(image, {}), &image);
  std::vector<AugmentStep> steps;
  Image expected = image;
  for (int i = 0; i < 5; ++i) {
    steps.push_back(random_step(op_at(static_cast<int>(random.below(kAugmentOps))), random));
    expected = test::literal_augment(expected, steps.back().op, augment_argument(steps.back()));
  }
  EXPECT_EQ(augment.apply(image, steps).rgb, expected.rgb);
  EXPECT_EQ(image.rgb, before.rgb);
  const auto again = augment.apply(image, {steps[0]});  // buffers hold nothing of the call before
  EXPECT_EQ(again.rgb, test::literal_augment(image, steps[0].op, augment_argument(steps[0])).rgb);
}

TEST(RandAugmentTest, DrawsHaveThePolicysProbabilities) {
  constexpr int kDraws = 20'000;
  Random random({4});
  int used = 0, negative = 0;
  double sum = 0, squares = 0;
  std::vector<int> counts(kAugmentOps);
  for (int i = 0; i < kDraws; ++i) {
    const auto steps = draw_rand_augment(random);
    EXPECT_LE(steps.size(), 4u);
    for (const auto& step : steps) {
      ++used;
      ++counts.at(static_cast<std::size_t>(step.op));
      EXPECT_TRUE(step.level >= 0 && step.level <= 10);
      EXPECT_TRUE(step.sign == 1 || step.sign == -1);
      negative += step.sign == -1 ? 1 : 0;
      sum += step.level;
      squares += step.level * step.level;
    }
  }
  const double mean = sum / used;
  EXPECT_NEAR(used / (4.0 * kDraws), 0.5, 0.01);
  EXPECT_NEAR(static_cast<double>(negative) / used, 0.5, 0.01);
  EXPECT_NEAR(mean, 7, 0.01);
  EXPECT_NEAR(std::sqrt(squares / used - mean * mean), 0.5, 0.01);
  for (const int count : counts) EXPECT_NEAR(count, used / 15.0, 0.08 * used / 15.0);
}

TEST(RandAugmentTest, ADrawDependsOnItsKeysAlone) {
  const auto levels = [](std::uint64_t key) {
    Random random({key});
    std::vector<double> all;
    for (int i = 0; i < 8; ++i) {
      for (const auto& step : draw_rand_augment(random)) all.push_back(step.level * step.sign);
    }
    return all;
  };
  EXPECT_EQ(levels(5), levels(5));
  EXPECT_NE(levels(5), levels(6));
}

TEST(RandAugmentTest, AnImageThatContradictsItselfIsABug) {
  RandAugment augment;
  EXPECT_THROW(augment.apply(Image(), {}), Bug);
  Image cut(4, 4);
  cut.rgb.pop_back();
  EXPECT_THROW(augment.apply(cut, {{AugmentOp::kInvert}}), Bug);
}

}  // namespace
}  // namespace glint
