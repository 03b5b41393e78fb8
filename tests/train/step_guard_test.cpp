#include "train/step_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "glint/core/error.h"

namespace glint::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;
using testing::internal::CaptureStderr;
using testing::internal::GetCapturedStderr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();

BadStep bad_step() {
  return {.step = 7, .loss = -kNan, .gradient_norm = kInfinity, .clips = {"g", "b", "a", "c", "e", "d", "f"}};
}

TEST(StepGuardTest, AStepIsSoundWhereItsLossAndItsGradientAreNumbers) {
  for (const bool can_shrink : {false, true}) {
    EXPECT_EQ(StepGuard(3).judge(2.5, 1e30, can_shrink), StepVerdict::kSound);
    EXPECT_EQ(StepGuard(3).judge(kNan, 1, can_shrink), StepVerdict::kBad);
    EXPECT_EQ(StepGuard(3).judge(kInfinity, kNan, can_shrink), StepVerdict::kBad);
  }
}

TEST(StepGuardTest, AGradientThatIsNoNumberIsTheLossScalesFaultAsLongAsThatCanShrink) {
  StepGuard guard(3);
  EXPECT_EQ(guard.judge(2.5, kInfinity, /*loss_scale_can_shrink=*/true), StepVerdict::kOverflowed);
  EXPECT_TRUE(guard.trusts_weights());
  EXPECT_EQ(guard.judge(2.5, kInfinity, /*loss_scale_can_shrink=*/false), StepVerdict::kBad);
  EXPECT_FALSE(guard.trusts_weights());
}

TEST(StepGuardTest, WeightsAreTrustedAgainOnceAStepIsSoundAndNotForAnOverflow) {
  StepGuard guard(3);
  guard.judge(kNan, kNan, true);
  guard.judge(2.5, kInfinity, true);
  EXPECT_FALSE(guard.trusts_weights());
  guard.judge(2.5, 1, true);
  EXPECT_TRUE(guard.trusts_weights());
}

TEST(StepGuardTest, ABadStepIsWarnedOfUntilThereAreTooManyInARow) {
  StepGuard guard(2);
  for (int run = 0; run < 2; ++run) {  // a sound step begins the count anew
    guard.judge(2.5, 1, false);
    guard.judge(kNan, kInfinity, false);
    CaptureStderr();
    guard.leave_out(bad_step(), 4);
    EXPECT_EQ(GetCapturedStderr(),
              "warning: step 7: the loss is nan and its gradient's norm inf, with the clips a, b, c, d, e and 2 more; "
              "the step is left out\n");
  }
  guard.judge(kNan, kInfinity, false);
  EXPECT_THAT([&] { guard.leave_out(bad_step(), 4); },
              ThrowsMessage<Error>(AllOf(HasSubstr("2 more: the training has diverged (2 such steps in a row"),
                                         HasSubstr("the checkpoint of step 4 stays as it is"))));
  EXPECT_THAT([&] { guard.leave_out(bad_step(), -1); },
              ThrowsMessage<Error>(HasSubstr("no checkpoint was saved before")));
}

}  // namespace
}  // namespace glint::test
