#include "dist/straggler.h"

#include <gtest/gtest.h>

namespace glint::test {
namespace {

using dist::RankStatus;
using dist::StragglerJudge;
using std::chrono::seconds;
using Kind = StragglerJudge::Kind;
using Ranks = std::vector<std::size_t>;

constexpr std::size_t kRanks = 3;
constexpr seconds kLimit(10);

// Ranks whose words change as a test tells; all speak every second of a clock that starts anywhere.
class StragglerTest : public testing::Test {
 protected:
  void pass(int count, const Ranks& progressing, const Ranks& speaking = {0, 1, 2}) {
    for (int i = 0; i < count; ++i) {
      now_ += seconds(1);
      for (const auto rank : speaking) ++words_[rank].beats;
      for (const auto rank : progressing) ++words_[rank].progress;
      judge_.hear(words_, now_);
    }
  }
  StragglerJudge::Verdict verdict() const { return judge_.verdict(now_); }

  StragglerJudge::Time now_{seconds(-12345)};
  std::vector<RankStatus> words_ = std::vector<RankStatus>(kRanks);
  StragglerJudge judge_{kRanks, kLimit, now_};
};

TEST_F(StragglerTest, ProgressOrTooLittleTimeIsNoStandstill) {
  pass(100, {0, 1, 2});
  EXPECT_EQ(verdict().kind, Kind::kNone);
  pass(9, {});
  EXPECT_EQ(verdict().kind, Kind::kNone);
}

TEST_F(StragglerTest, TheRankThatTheOthersWaitForIsBlamed) {
  words_[0].collectives = words_[2].collectives = 8;
  words_[1].collectives = 7;
  pass(10, {});
  EXPECT_EQ(verdict().kind, Kind::kStraggling);
  EXPECT_EQ(verdict().ranks, Ranks{1});
}

TEST_F(StragglerTest, WhoWaitsForALongJobOfAnotherIsNotBlamed) {
  words_[1].collectives = words_[2].collectives = 8;  // wait; rank 0 evaluates
  pass(1000, {0});
  EXPECT_EQ(verdict().kind, Kind::kNone);
}

TEST_F(StragglerTest, AllThatStandStillAtTheSamePlaceAreBlamed) {
  pass(10, {1});
  EXPECT_EQ(verdict().ranks, (Ranks{0, 2}));
}

TEST_F(StragglerTest, ASilentRankIsBlamedBeforeThoseThatWaitForIt) {
  words_[2].collectives = 1;
  pass(10, {}, {0, 1});
  EXPECT_EQ(verdict().kind, Kind::kSilent);
  EXPECT_EQ(verdict().ranks, Ranks{2});
}

TEST_F(StragglerTest, WhoHasLeftIsNeitherBlamedNorCompared) {
  words_[0].has_left = true;
  words_[1].collectives = words_[2].collectives = 5;
  pass(10, {1}, {1, 2});
  EXPECT_EQ(verdict().ranks, Ranks{2});
  words_[1].has_left = words_[2].has_left = true;
  pass(10, {});
  EXPECT_EQ(verdict().kind, Kind::kNone);
}

TEST_F(StragglerTest, AProcessThatWasStoppedItselfGivesAllTheWholeTimeAgain) {
  pass(1, {0, 1, 2});
  now_ += seconds(5000);
  judge_.start_again(now_);
  EXPECT_EQ(verdict().kind, Kind::kNone);
  pass(9, {});
  EXPECT_EQ(verdict().kind, Kind::kNone);
  pass(1, {});
  EXPECT_EQ(verdict().kind, Kind::kStraggling);
}

}  // namespace
}  // namespace glint::test
