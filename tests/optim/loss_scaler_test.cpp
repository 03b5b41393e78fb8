#include "glint/optim/loss_scaler.h"

#include <gtest/gtest.h>

namespace glint::test {
namespace {

TEST(LossScalerTest, AnOverflowHalvesTheScaleAndGoodStepsDoubleIt) {
  LossScaler scaler;
  scaler.update(false);
  EXPECT_EQ(scaler.scale(), LossScaler::kFirst / 2);
  for (int64_t i = 0; i + 1 < LossScaler::kGrowAfter; ++i) scaler.update(true);
  EXPECT_EQ(scaler.scale(), LossScaler::kFirst / 2);
  scaler.update(true);
  EXPECT_EQ(scaler.scale(), LossScaler::kFirst);
  scaler.update(true);
  EXPECT_EQ(scaler.scale(), LossScaler::kFirst);
}

TEST(LossScalerTest, AnOverflowForgetsTheGoodSteps) {
  LossScaler scaler;
  for (int64_t i = 0; i + 1 < LossScaler::kGrowAfter; ++i) scaler.update(true);
  scaler.update(false);
  scaler.update(true);
  EXPECT_EQ(scaler.scale(), LossScaler::kFirst / 2);
}

TEST(LossScalerTest, AtItsLowestItIsNotToBlame) {
  LossScaler scaler;
  for (int i = 0; i < 16; ++i) {
    EXPECT_TRUE(scaler.can_shrink());
    scaler.update(false);
  }
  EXPECT_EQ(scaler.scale(), LossScaler::kLowest);
  EXPECT_FALSE(scaler.can_shrink());
  scaler.update(false);
  EXPECT_EQ(scaler.scale(), LossScaler::kLowest);
}

TEST(LossScalerTest, ALoadedStateGoesOn) {
  LossScaler unbroken, resumed;
  for (int i = 0; i < 3; ++i) unbroken.update(i != 1);
  resumed.load(unbroken.state());
  for (int64_t i = 0; i + 1 < LossScaler::kGrowAfter; ++i) {
    unbroken.update(true);
    resumed.update(true);
    ASSERT_EQ(resumed.scale(), unbroken.scale());
  }
  EXPECT_EQ(resumed.scale(), LossScaler::kFirst);
}

}  // namespace
}  // namespace glint::test
