#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace glint {

// Whether the difference of two systems is more than noise: tests, intervals and corrections of docs/evaluation.md, on
// plain numbers. difference = B - A, A the baseline. A unit is what is drawn or flipped as a whole: a query, or a video
// with all its captions. Every function throws Bug for sizes that do not fit.

// How random draws are made. Draws are keyed by (seed, number of the draw): the threads change nothing but the time.
struct Resampling {
  std::uint64_t seed = 12345;
  std::int64_t resamples = 10'000;  // > 0
  int threads = 0;                  // 0: one a core
};

// Exact McNemar test, two-sided, from the counts of queries right in one system only. 1 where both counts are equal.
double mcnemar_p(std::int64_t a_only, std::int64_t b_only);

struct SignFlipTest {
  double p = 1;
  std::int64_t draws = 0;  // 0: exact
};
// Sign flips of the units' differences, two-sided. Exact by enumeration of at most 16 nonzero differences, and by
// convolution of whole or half numbers (hits, ranks); else from `draws.resamples` random flips, p = (c + 1)/(n + 1).
// Sums that are equal but for rounding (1e-12 of the sum of |differences|) count as equal.
SignFlipTest sign_flip_test(const std::vector<double>& differences, const Resampling& draws = {.resamples = 100'000});

// [columns][units]: sums over the queries of each unit, one column a metric.
using UnitColumns = std::vector<std::vector<double>>;

// Of the resamples: their mean, standard deviation, and 2.5 and 97.5 percentiles (linear interpolation).
struct BootstrapInterval {
  double mean = 0, sd = 0, low = 0, high = 0;
};
// Paired bootstrap: draws as many units as there are, with replacement, the same draw for all columns. The value of a
// resample is the drawn units' sum of differences over their number of queries. `queries`: [units], 1 where a unit is
// one query, else the number of captions (cluster bootstrap). -> one interval a column
std::vector<BootstrapInterval> paired_bootstrap(const UnitColumns& differences, const std::vector<double>& queries,
                                                const Resampling& resampling = {});

struct SeedBootstrap {
  BootstrapInterval interval;
  double p = 1;  // two-sided, at least 2/(resamples + 1)
};
// Two-level bootstrap over queries and training seeds. `a`, `b`: one entry a seed, [columns][units]; the arms may have
// different numbers of seeds. A resample draws the units once for both arms, and each arm's seeds with replacement.
// With s seeds it shows (s - 1)/s of the variance that seeds cause. -> one entry a column
std::vector<SeedBootstrap> seed_bootstrap(const std::vector<UnitColumns>& a, const std::vector<UnitColumns>& b,
                                          const std::vector<double>& queries, const Resampling& resampling = {});

// Welch's t-test of two groups of single numbers (one a training seed), two-sided, with the 95 % interval of the
// difference of their means, b - a. Needs two numbers a group that are not all equal; none otherwise.
struct WelchTest {
  double difference = 0, low = 0, high = 0;
  double p = 1;
  double freedom = 0;  // Welch-Satterthwaite's degrees of freedom
};
std::optional<WelchTest> welch_test(const std::vector<double>& a, const std::vector<double>& b);

// Several p-values of one table, adjusted, in their order: Holm (the chance of any false alarm), Benjamini-Hochberg
// (the share of false ones among the alarms).
std::vector<double> holm(const std::vector<double>& p);
std::vector<double> benjamini_hochberg(const std::vector<double>& p);

// Largest m for which 2 P(Bin(discordant, 1/2) <= m) <= 0.05; none where no split of so few is significant.
std::optional<std::int64_t> mcnemar_critical(std::int64_t discordant);

// The chance that McNemar's exact test at 0.05 finds a true `difference` (a share of `queries`, at most
// `discordant_share`).
double mcnemar_power(std::int64_t queries, double discordant_share, double difference);

// What McNemar's test can see with so many queries. Differences in points of percent; none where no difference that
// the discordant share allows is large enough.
struct PowerLine {
  std::int64_t queries = 0;
  std::int64_t discordant = 0;                  // round(queries x share), a half to the even number
  std::optional<double> smallest_significant;   // found about half the time where it is the true difference
  double normal_rule = 0;                       // 196 sqrt(share/queries), too small
  std::optional<double> found_in_80;            // by the exact test in 80 of 100 cases
  std::optional<double> found_in_80_by_normal;  // the same by the normal approximation (Connor 1987)
};
PowerLine power_line(std::int64_t queries, double discordant_share);

}  // namespace glint
