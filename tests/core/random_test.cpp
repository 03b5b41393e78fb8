#include "glint/core/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "glint/core/error.h"

namespace glint::test {
namespace {

using testing::ElementsAre;

// Runs that are resumed, the demo set and everyone's seeds hang on these numbers.
TEST(RandomTest, TheNumbersOfASeedStayTheSameForEver) {
  Random random({7, 1});
  EXPECT_EQ(random.next(), 0x6A9B44DE9B880F14U);
  EXPECT_EQ(random.below(1000), 907U);
  EXPECT_EQ(random.uniform(), 0.28019077942474524);
  EXPECT_THAT(random.permutation(5), ElementsAre(2, 4, 0, 3, 1));
  EXPECT_EQ(mix({1, 2}), 0x2AC0E9440F013026U);
}

TEST(RandomTest, EqualKeysGiveEqualNumbersAndOtherKeysOthers) {
  const auto numbers = [](std::initializer_list<std::uint64_t> keys) {
    Random random(keys);
    return std::vector<std::uint64_t>{random.next(), random.next(), random.next()};
  };
  EXPECT_EQ(numbers({1, 2, 3}), numbers({1, 2, 3}));
  EXPECT_NE(numbers({1, 2, 3}), numbers({1, 2, 4}));
  EXPECT_NE(numbers({1, 2, 3}), numbers({2, 2, 3}));
}

TEST(RandomTest, MixTellsOrderAndNumberOfKeysApart) {
  const std::set<std::uint64_t> keys = {mix({}),     mix({0}),    mix({0, 0}), mix({1}),      mix({1, 2}),
                                        mix({2, 1}), mix({0, 1}), mix({1, 0}), mix({1, 2, 0})};
  EXPECT_EQ(keys.size(), 9U);
}

TEST(RandomTest, BelowStaysInRangeAndReachesEveryNumberAboutEquallyOften) {
  Random random({3});
  std::map<std::uint64_t, int> counts;
  for (int i = 0; i < 7000; ++i) ++counts[random.below(7)];
  ASSERT_EQ(counts.size(), 7U);
  EXPECT_EQ(counts.rbegin()->first, 6U);
  for (const auto& [number, count] : counts) EXPECT_NEAR(count, 1000, 150) << number;
  EXPECT_EQ(random.below(1), 0U);
  // Nearly half of all draws lie above the largest multiple of this n: they are drawn again.
  constexpr std::uint64_t kMany = (std::uint64_t{1} << 63) + 1;
  int upper = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto draw = random.below(kMany);
    ASSERT_LT(draw, kMany);
    upper += draw >= kMany / 2 ? 1 : 0;
  }
  EXPECT_NEAR(upper, 500, 75);
  EXPECT_THROW(random.below(0), Bug);
}

TEST(RandomTest, UniformAndNormalHaveTheirRangeAndMoments) {
  Random random({4});
  constexpr int kDraws = 20000;
  double low = 1, high = 0, sum = 0, normal_sum = 0, normal_squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double draw = random.uniform();
    low = std::min(low, draw);
    high = std::max(high, draw);
    sum += random.uniform(-3, 5);
    const double normal = random.normal();
    normal_sum += normal;
    normal_squares += normal * normal;
  }
  EXPECT_GE(low, 0);
  EXPECT_LT(low, 1e-3);
  EXPECT_LT(high, 1);
  EXPECT_GT(high, 1 - 1e-3);
  EXPECT_NEAR(sum / kDraws, 1, 0.1);
  EXPECT_NEAR(normal_sum / kDraws, 0, 0.05);
  EXPECT_NEAR(normal_squares / kDraws, 1, 0.05);
}

TEST(RandomTest, APermutationHoldsEveryNumberOnce) {
  Random random({5});
  EXPECT_TRUE(random.permutation(0).empty());
  EXPECT_THAT(random.permutation(1), ElementsAre(0));
  auto order = random.permutation(1000);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  std::vector<std::int64_t> all(1000);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(order, all);
}

TEST(RandomTest, EveryOrderOfThreeComesAboutEquallyOften) {
  Random random({6});
  std::map<std::vector<std::int64_t>, int> counts;
  for (int i = 0; i < 6000; ++i) ++counts[random.permutation(3)];
  ASSERT_EQ(counts.size(), 6U);
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, 1000, 150);
}

}  // namespace
}  // namespace glint::test
