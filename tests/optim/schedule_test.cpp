#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "glint/core/error.h"
#include "glint/optim/optimizer.h"

namespace glint::test {
namespace {

OptimConfig with_schedule(const std::string& schedule, double warmup = 0.1) {
  OptimConfig config;
  config.schedule = schedule;
  config.warmup = warmup;
  return config;
}

TEST(ScheduleTest, EveryScheduleWarmsUpFromZeroButTheConstantOne) {
  for (const auto* name : {"warmup_cosine", "warmup_linear", "warmup_constant"}) {
    EXPECT_EQ(schedule_factor(with_schedule(name), 0), 0) << name;
    EXPECT_DOUBLE_EQ(schedule_factor(with_schedule(name), 0.05), 0.5) << name;
    EXPECT_GT(schedule_factor(with_schedule(name, /*warmup=*/0), 0), 0.99) << name;
  }
  EXPECT_EQ(schedule_factor(with_schedule("constant"), 0), 1);
}

TEST(ScheduleTest, TheCosineRisesPastItsEndUnlessClamped) {
  auto config = with_schedule("warmup_cosine");
  EXPECT_NEAR(schedule_factor(config, 1), 0, 1e-15);
  EXPECT_NEAR(schedule_factor(config, 2), 1, 1e-15);
  config.after_end = "clamp";
  EXPECT_NEAR(schedule_factor(config, 2), 0, 1e-15);
  EXPECT_DOUBLE_EQ(schedule_factor(config, 0.25), schedule_factor(with_schedule("warmup_cosine"), 0.25));
}

TEST(ScheduleTest, TheRescaledCosineStartsFromOneWhereTheWarmUpEnds) {
  auto config = with_schedule("cosine");
  EXPECT_EQ(schedule_factor(config, 0), 0);
  EXPECT_DOUBLE_EQ(schedule_factor(config, 0.05), 0.5);
  EXPECT_DOUBLE_EQ(schedule_factor(config, 0.1), 1);
  EXPECT_DOUBLE_EQ(schedule_factor(config, 0.55), 0.5);
  EXPECT_NEAR(schedule_factor(config, 1), 0, 1e-15);
  EXPECT_NEAR(schedule_factor(config, 1.9), 1, 1e-15);
  config.after_end = "clamp";
  EXPECT_NEAR(schedule_factor(config, 1.9), 0, 1e-15);
  config.min_lr = config.lr / 100;
  EXPECT_DOUBLE_EQ(schedule_factor(config, 0), 0.01);
  EXPECT_DOUBLE_EQ(schedule_factor(config, 0.05), 0.505);
  EXPECT_DOUBLE_EQ(schedule_factor(config, 1), 0.01);
}

TEST(ScheduleTest, TheLinearOneEndsAtZeroAndStays) {
  EXPECT_DOUBLE_EQ(schedule_factor(with_schedule("warmup_linear"), 0.55), 0.5);
  EXPECT_EQ(schedule_factor(with_schedule("warmup_linear"), 1.5), 0);
  EXPECT_EQ(schedule_factor(with_schedule("warmup_constant"), 1.5), 1);
}

TEST(ScheduleTest, AnUnknownNameIsRefusedWithTheKnownOnes) {
  EXPECT_THAT([] { schedule_factor(with_schedule("cosinus"), 0.5); },
              testing::ThrowsMessage<Error>(
                  testing::AllOf(testing::HasSubstr("'cosinus'"), testing::HasSubstr("warmup_linear"))));
}

}  // namespace
}  // namespace glint::test
