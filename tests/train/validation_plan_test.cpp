#include "train/validation_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace glint::test {
namespace {

using testing::ElementsAre;

// The steps of [1, steps] after which there is a validation.
std::vector<int64_t> validated(const ValidationPlan& plan, int64_t steps, int64_t newest = 0) {
  std::vector<int64_t> at;
  for (int64_t step = newest + 1; step <= steps; ++step) {
    if (!plan.is_due(step, newest)) continue;
    at.push_back(step);
    newest = step;
  }
  return at;
}

TEST(ValidationPlanTest, WholeEpochsAreValidatedAtTheirEndsAndTheLastOneInAnyCase) {
  EXPECT_THAT(validated({.every = 12, .last = 30}, 30), ElementsAre(12, 24, 30));
  EXPECT_THAT(validated({.every = 6, .last = 18}, 18), ElementsAre(6, 12, 18));
}

TEST(ValidationPlanTest, AFractionOfAnEpochCountsAtTheFirstStepThatReachesIt) {
  EXPECT_THAT(validated({.every = 0.25 * 6, .last = 12}, 12), ElementsAre(2, 3, 5, 6, 8, 9, 11, 12));
  EXPECT_THAT(validated({.every = 0.1 * 30, .last = 30}, 30), ElementsAre(3, 6, 9, 12, 15, 18, 21, 24, 27, 30));
}

TEST(ValidationPlanTest, ARunThatGoesOnValidatesWhereAnUnbrokenOneDoes) {
  const ValidationPlan plan = {.every = 2.4, .last = 24};
  const auto whole = validated(plan, 24);
  for (int64_t broken = 1; broken < 24; ++broken) {
    auto parts = validated(plan, broken);
    const int64_t newest = parts.empty() ? 0 : parts.back();
    for (int64_t step = broken + 1, last = newest; step <= 24; ++step) {
      if (!plan.is_due(step, last)) continue;
      parts.push_back(last = step);
    }
    EXPECT_EQ(parts, whole) << broken;
  }
}

TEST(ValidationPlanTest, AValidationThatWasMissedIsMadeUpForOnce) {
  const ValidationPlan plan = {.every = 4, .last = 40};
  EXPECT_TRUE(plan.is_due(9, /*validated=*/4));
  EXPECT_FALSE(plan.is_due(9, /*validated=*/9));
  EXPECT_FALSE(plan.is_due(11, /*validated=*/9));
  EXPECT_TRUE(plan.is_due(12, /*validated=*/9));
}

}  // namespace
}  // namespace glint::test
