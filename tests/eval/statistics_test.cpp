#include "glint/eval/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "glint/core/error.h"
#include "glint/core/random.h"

namespace glint::test {
namespace {

using testing::DoubleEq;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;

using Values = std::vector<double>;

// P by all sign patterns, one after the other.
double counted_sign_flips(const Values& differences) {
  double observed = 0;
  for (const double d : differences) observed += d;
  std::size_t found = 0;
  const std::size_t all = std::size_t{1} << differences.size();
  for (std::size_t signs = 0; signs < all; ++signs) {
    double sum = 0;
    for (std::size_t i = 0; i < differences.size(); ++i)
      sum += (signs >> i & 1) != 0 ? -differences[i] : differences[i];
    found += std::abs(sum) >= std::abs(observed) * (1 - 1e-12);
  }
  return static_cast<double>(found) / static_cast<double>(all);
}

TEST(McNemarTest, SmallCountsGiveTheBinomialsOwnFractions) {
  EXPECT_EQ(mcnemar_p(0, 0), 1);
  EXPECT_EQ(mcnemar_p(7, 7), 1);
  EXPECT_EQ(mcnemar_p(0, 1), 1);
  EXPECT_DOUBLE_EQ(mcnemar_p(0, 6), 2.0 / 64);
  EXPECT_DOUBLE_EQ(mcnemar_p(6, 0), 2.0 / 64);
  EXPECT_DOUBLE_EQ(mcnemar_p(1, 4), 2.0 * 6 / 32);
}

TEST(McNemarTest, LargeCountsStayFiniteAndSymmetric) {
  EXPECT_DOUBLE_EQ(mcnemar_p(400'000, 401'000), mcnemar_p(401'000, 400'000));
  EXPECT_NEAR(mcnemar_p(400'000, 401'000), std::erfc(999 / std::sqrt(2 * 801'000.0)), 1e-4);  // the normal rule
  EXPECT_EQ(mcnemar_p(0, 5'000), 0);                                                          // 2^-4999
  EXPECT_THROW(mcnemar_p(-1, 3), Bug);
}

TEST(SignFlipTest, FewUnitsAreEnumerated) {
  const Values differences = {0.5, -0.125, 0.3, 0.01, 0, -0.7, 0.2};
  const auto test = sign_flip_test(differences);
  EXPECT_EQ(test.draws, 0);
  EXPECT_DOUBLE_EQ(test.p, counted_sign_flips(differences));
}

TEST(SignFlipTest, WholeAndHalfNumbersAreConvolvedToTheSameP) {
  Random random({4});
  for (const double step : {1.0, 0.5}) {
    Values differences;
    for (int i = 0; i < 18; ++i) differences.push_back(step * static_cast<double>(random.below(9)) - 3);
    const auto test = sign_flip_test(differences);
    EXPECT_EQ(test.draws, 0);
    EXPECT_NEAR(test.p, counted_sign_flips(differences), 1e-12);
  }
}

TEST(SignFlipTest, OtherNumbersAreDrawnNearTheExactP) {
  Random random({5});
  Values whole, other;
  for (int i = 0; i < 60; ++i) {
    whole.push_back(static_cast<double>(random.below(40)) - 17);
    other.push_back(whole.back() / 3);  // the same p, but no whole numbers
  }
  const auto exact = sign_flip_test(whole), drawn = sign_flip_test(other);
  EXPECT_EQ(exact.draws, 0);
  EXPECT_EQ(drawn.draws, 100'000);
  EXPECT_NEAR(drawn.p, exact.p, 5 * std::sqrt(exact.p * (1 - exact.p) / 100'000) + 1e-5);
}

TEST(SignFlipTest, AHugeRangeOfWholeNumbersIsDrawnInsteadOfConvolved) {
  EXPECT_GT(sign_flip_test(Values(50, 1e9)).draws, 0);
  EXPECT_DOUBLE_EQ(sign_flip_test(Values(50, 1e9)).p, 1.0 / 100'001);  // c + 1, never 0
}

TEST(SignFlipTest, NoDifferenceOrABalancedOneHasPOne) {
  EXPECT_EQ(sign_flip_test({}).p, 1);
  EXPECT_EQ(sign_flip_test({0, 0, 0}).p, 1);
  EXPECT_EQ(sign_flip_test({0.1, 0.2, -0.3}).p, 1);  // but for rounding, 5.6e-17
  EXPECT_THROW(sign_flip_test({1, NAN}), Bug);
}

TEST(BootstrapTest, TheThreadsChangeNothing) {
  Random random({6});
  UnitColumns columns(3, Values(41));
  Values many(60);
  for (auto& column : columns) std::generate(column.begin(), column.end(), [&] { return random.normal(); });
  std::generate(many.begin(), many.end(), [&] { return random.normal(); });
  const auto run = [&](int threads) {
    const Resampling resampling{.resamples = 999, .threads = threads};
    const auto interval = paired_bootstrap(columns, Values(41, 1), resampling)[2];
    const auto seeds = seed_bootstrap({columns, columns}, {columns}, Values(41, 1), resampling)[1];
    return Values{interval.mean,
                  interval.sd,
                  interval.low,
                  interval.high,
                  seeds.p,
                  seeds.interval.low,
                  sign_flip_test(many, resampling).p};
  };
  EXPECT_EQ(run(1), run(2));
  EXPECT_EQ(run(1), run(7));
}

TEST(BootstrapTest, AnotherSeedGivesOtherDraws) {
  const UnitColumns column = {{1, 0, 0, -1, 1, 2, 0, 0.5}};
  const auto mean = [&](std::uint64_t seed) {
    return paired_bootstrap(column, Values(8, 1), {.seed = seed, .resamples = 500})[0].mean;
  };
  EXPECT_NE(mean(1), mean(2));
  EXPECT_EQ(mean(1), mean(1));
}

TEST(BootstrapTest, TheIntervalIsThatOfTheBinomial) {
  Values hits(400);
  std::fill(hits.begin(), hits.begin() + 100, 1);
  const auto interval = paired_bootstrap({hits}, Values(400, 1))[0];
  const double sd = std::sqrt(0.25 * 0.75 / 400);
  EXPECT_NEAR(interval.mean, 0.25, 5 * sd / 100);
  EXPECT_NEAR(interval.sd, sd, 0.05 * sd);
  EXPECT_NEAR(interval.low, 0.25 - 1.96 * sd, 0.2 * sd);
  EXPECT_NEAR(interval.high, 0.25 + 1.96 * sd, 0.2 * sd);
}

TEST(BootstrapTest, AClusterCountsWithAllItsQueries) {
  // Every query has the value 0.5, so whatever is drawn has it too.
  const auto interval = paired_bootstrap({{0.5, 1.5, 5}}, {1, 3, 10}, {.resamples = 200})[0];
  EXPECT_THAT(interval.low, DoubleNear(0.5, 1e-12));
  EXPECT_THAT(interval.high, DoubleNear(0.5, 1e-12));
}

TEST(BootstrapTest, SizesThatDoNotFitAreOurBug) {
  EXPECT_THROW(paired_bootstrap({{1, 2}}, {1, 1, 1}), Bug);
  EXPECT_THROW(paired_bootstrap({{}}, {}), Bug);
  EXPECT_THROW(paired_bootstrap({{1, 2}}, {1, 0}), Bug);
  EXPECT_THROW(paired_bootstrap({{1, INFINITY}}, {1, 1}), Bug);
  EXPECT_THROW(paired_bootstrap({{1, 2}}, {1, 1}, {.resamples = 0}), Bug);
  EXPECT_THROW(seed_bootstrap({}, {{{1, 2}}}, {1, 1}), Bug);
  EXPECT_THROW(seed_bootstrap({{{1, 2}}}, {{{1, 2}, {1, 2}}}, {1, 1}), Bug);
}

TEST(SeedBootstrapTest, SeedsWidenTheInterval) {
  const Values up(50, 0.8), down(50, 0.2), middle(50, 0.5);
  const auto noisy = seed_bootstrap({{middle}, {middle}, {middle}}, {{up}, {down}, {middle}}, Values(50, 1))[0];
  const auto quiet = seed_bootstrap({{middle}, {middle}, {middle}}, {{middle}, {middle}, {middle}}, Values(50, 1))[0];
  EXPECT_EQ(quiet.interval.low, 0);
  EXPECT_EQ(quiet.p, 1);
  EXPECT_LT(noisy.interval.low, -0.1);
  EXPECT_GT(noisy.interval.high, 0.1);
  // The seeds' variance with divisor 3, of a mean of three.
  EXPECT_NEAR(noisy.interval.sd, std::sqrt(0.06 / 3), 0.02);
}

TEST(SeedBootstrapTest, AClearDifferenceHasTheSmallestP) {
  const Values low(30, 0.2), high(30, 0.9);
  const auto result = seed_bootstrap({{low}, {low}}, {{high}, {high}, {high}}, Values(30, 1), {.resamples = 1000})[0];
  EXPECT_DOUBLE_EQ(result.p, 2.0 / 1001);
  EXPECT_NEAR(result.interval.mean, 0.7, 1e-12);
}

TEST(CorrectionTest, HolmStepsDownAndKeepsTheOrderOfTheList) {
  EXPECT_THAT(holm({0.04, 0.01, 0.03}), ElementsAre(DoubleEq(0.06), DoubleEq(0.03), DoubleEq(0.06)));
  EXPECT_THAT(holm({0.9, 0.8}), ElementsAre(1, 1));
  EXPECT_THAT(holm({0.2}), ElementsAre(0.2));
  EXPECT_THAT(holm({}), IsEmpty());
}

TEST(CorrectionTest, BenjaminiHochbergStepsUp) {
  EXPECT_THAT(benjamini_hochberg({0.04, 0.01, 0.03}), ElementsAre(DoubleEq(0.04), DoubleEq(0.03), DoubleEq(0.04)));
  EXPECT_THAT(benjamini_hochberg({1, 1, 1}), ElementsAre(1, 1, 1));
  EXPECT_THAT(benjamini_hochberg({}), IsEmpty());
  EXPECT_THROW(benjamini_hochberg({0.5, -0.1}), Bug);
  EXPECT_THROW(holm({NAN}), Bug);
}

TEST(PowerTest, FewDiscordantQueriesHaveNoSignificantSplit) {
  EXPECT_FALSE(mcnemar_critical(0));
  EXPECT_FALSE(mcnemar_critical(5));
  EXPECT_EQ(mcnemar_critical(6), 0);
  const auto line = power_line(100, 0.05);
  EXPECT_EQ(line.discordant, 5);
  EXPECT_FALSE(line.smallest_significant);
  EXPECT_FALSE(line.found_in_80);
  EXPECT_FALSE(power_line(1000, 0).found_in_80);
}

TEST(PowerTest, TheCriticalCountIsTheLastSignificantOne) {
  for (const std::int64_t n : {6, 25, 100, 733, 5000}) {
    const auto m = mcnemar_critical(n).value();
    EXPECT_LE(mcnemar_p(m, n - m), 0.05) << n;
    EXPECT_GT(mcnemar_p(m + 1, n - m - 1), 0.05) << n;
  }
}

TEST(PowerTest, WhatIsFoundInEightyOfAHundredHasThatPower) {
  const auto line = power_line(800, 0.13);
  EXPECT_NEAR(mcnemar_power(800, 0.13, *line.found_in_80 / 100), 0.8, 1e-9);
  EXPECT_GT(*line.found_in_80, *line.smallest_significant);
  EXPECT_LE(mcnemar_power(800, 0.13, 0), 0.05);
  EXPECT_THROW(mcnemar_power(800, 0.13, 0.2), Bug);
}

// How often each of 200 pairs of equal systems is called different at 0.05. `p_of_pair(pair)`.
void expect_calibrated(const std::function<double(std::uint64_t)>& p_of_pair) {
  int alarms = 0;
  for (std::uint64_t pair = 0; pair < 200; ++pair) alarms += p_of_pair(pair) < 0.05;
  EXPECT_GE(alarms, 4);
  EXPECT_LE(alarms, 18);
}

// Reciprocal ranks of two equal systems on the same queries: how hard a query is, is common to both.
std::pair<Values, Values> equal_systems(std::uint64_t pair, std::size_t queries) {
  Random random({7, pair});
  Values a, b;
  for (std::size_t i = 0; i < queries; ++i) {
    const double hard = random.uniform(0.2, 3);
    const auto rank = [&] { return std::floor(std::exp(hard * std::abs(random.normal())) - 0.5); };
    a.push_back(1 / (1 + rank()));
    b.push_back(1 / (1 + rank()));
  }
  return {a, b};
}

TEST(CalibrationTest, McNemarCallsEqualSystemsDifferentInFivePercentAtMost) {
  expect_calibrated([](std::uint64_t pair) {
    const auto [a, b] = equal_systems(pair, 1000);
    std::int64_t a_only = 0, b_only = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      a_only += a[i] == 1 && b[i] < 1;
      b_only += b[i] == 1 && a[i] < 1;
    }
    return mcnemar_p(a_only, b_only);
  });
}

TEST(CalibrationTest, SignFlipsDrawnOrConvolvedDoTheSame) {
  const auto differences = [](std::uint64_t pair, bool is_rank) {
    auto [a, b] = equal_systems(pair, 300);
    for (std::size_t i = 0; i < a.size(); ++i)
      b[i] = is_rank ? std::round(1 / b[i]) - std::round(1 / a[i]) : b[i] - a[i];
    return b;
  };
  expect_calibrated(
      [&](std::uint64_t pair) { return sign_flip_test(differences(pair, false), {.resamples = 5000}).p; });
  expect_calibrated([&](std::uint64_t pair) { return sign_flip_test(differences(pair, true)).p; });
}

TEST(CalibrationTest, SignFlipsOfVideosHoldWhereCaptionsDepend) {
  expect_calibrated([](std::uint64_t pair) {
    const auto [a, b] = equal_systems(pair, 120);
    Random random({77, pair});
    Values sums;  // eight captions of a video share half of its luck
    for (std::size_t v = 0; v < a.size(); ++v) {
      double sum = 0;
      for (int caption = 0; caption < 8; ++caption) sum += b[v] - a[v] + 0.2 * random.normal();
      sums.push_back(sum);
    }
    return sign_flip_test(sums, {.resamples = 5000}).p;
  });
}

TEST(CalibrationTest, TheBootstrapsIntervalLeavesZeroOutInFivePercent) {
  expect_calibrated([](std::uint64_t pair) {
    auto [a, b] = equal_systems(pair, 300);
    for (std::size_t i = 0; i < a.size(); ++i) b[i] -= a[i];
    const auto interval = paired_bootstrap({b}, Values(b.size(), 1), {.resamples = 2000})[0];
    return interval.low > 0 || interval.high < 0 ? 0.0 : 1.0;
  });
}

TEST(CalibrationTest, TheTwoLevelBootstrapHoldsWithEnoughSeeds) {
  expect_calibrated([](std::uint64_t pair) {
    Random random({99, pair});
    std::vector<UnitColumns> arms[2];
    for (auto& arm : arms) {
      Values own(150);  // what the system does with each query, whatever its seed; 0 on average over all queries
      for (auto& value : own) value = random.normal();
      for (int seed = 0; seed < 12; ++seed) {
        const double luck = 0.12 * random.normal();
        auto values = own;
        for (auto& value : values) value += luck + 0.3 * random.normal();
        arm.push_back({values});
      }
    }
    return seed_bootstrap(arms[0], arms[1], Values(150, 1), {.resamples = 2000})[0].p;
  });
}

// By hand: means 2 and 4, variances 1 and 1 of three each, t = 2 / sqrt(2/3) = 2.449 with 4 degrees of freedom.
TEST(WelchTest, TwoGroupsOfThreeGiveTheTabulatedP) {
  const auto test = welch_test({1, 2, 3}, {3, 4, 5}).value();
  EXPECT_NEAR(test.difference, 2, 1e-12);
  EXPECT_NEAR(test.freedom, 4, 1e-12);
  EXPECT_NEAR(test.p, 0.070484, 1e-6);
  EXPECT_NEAR(test.high - test.difference, 2.776445 * std::sqrt(2.0 / 3), 1e-5);
}

TEST(WelchTest, SaysNothingWhereNothingVaries) {
  EXPECT_FALSE(welch_test({1, 1}, {2, 2}));
  EXPECT_FALSE(welch_test({1}, {2, 3}));
  EXPECT_TRUE(welch_test({1, 1}, {2, 3}));
}

}  // namespace
}  // namespace glint::test
