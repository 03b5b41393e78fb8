#include "glint/core/lap_timer.h"

#include <gtest/gtest.h>

namespace glint {
namespace {

TEST(LapTimerTest, EveryMomentIsAddedToOnePart) {
  LapTimer timer;
  timer.restart();
  for (int i = 0; i < 3; ++i) {
    timer.lap("wait");
    timer.lap("towers");
  }
  const double all = timer.seconds();
  ASSERT_EQ(timer.parts().size(), 2U);
  EXPECT_EQ(timer.parts()[0].first, "wait");
  EXPECT_EQ(timer.parts()[1].first, "towers");
  for (const auto& [part, seconds] : timer.parts()) EXPECT_GE(seconds, 0) << part;
  EXPECT_LE(timer.parts()[0].second + timer.parts()[1].second, all);
  timer.restart();
  EXPECT_TRUE(timer.parts().empty());
}

}  // namespace
}  // namespace glint
