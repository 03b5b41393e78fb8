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
  timer.lap("wait");
  timer.settle();  // nothing to wait for
  EXPECT_EQ(timer.parts().size(), 1U);
}

// Each interval is one second longer than the one before.
class CountingClock : public WorkClock {
 public:
  void mark() override { ++marks_; }
  std::vector<double> intervals() override {
    std::vector<double> seconds;
    for (int i = 1; i < marks_; ++i) seconds.push_back(i);
    marks_ = 0;
    return seconds;
  }

 private:
  int marks_ = 0;
};

TEST(LapTimerTest, WorkBesideTheThreadIsReadFromItsOwnClock) {
  LapTimer timer(std::make_unique<CountingClock>());
  timer.restart();
  for (const char* part : {"wait", "towers", "towers"}) timer.lap(part);
  EXPECT_TRUE(timer.parts().empty());
  timer.settle();
  const std::vector<std::pair<std::string, double>> expected = {{"wait", 1}, {"towers", 5}};
  EXPECT_EQ(timer.parts(), expected);
  timer.restart();
  timer.lap("wait");
  timer.restart();  // forgets what was not settled
  timer.lap("head");
  timer.settle();
  ASSERT_EQ(timer.parts().size(), 1U);
  EXPECT_EQ(timer.parts()[0].first, "head");
}

}  // namespace
}  // namespace glint
