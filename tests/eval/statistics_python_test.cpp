#include <gtest/gtest.h>

#include <fstream>
#include <iomanip>

#include "glint/core/random.h"
#include "glint/eval/statistics.h"
#include "support/environment.h"
#include "support/python.h"

// Slow: p-values against those of scipy.

namespace glint::test {
namespace {

constexpr auto kCompareWithScipy = R"(
import sys
from scipy.stats import binomtest
for line in open(sys.argv[1]):
    a_only, b_only, p = line.split()
    a_only, b_only = int(a_only), int(b_only)
    want = binomtest(a_only, a_only + b_only, 0.5).pvalue if a_only + b_only else 1.0
    if abs(float(p) - want) > 1e-9 * want + 1e-300:
        sys.exit(f'McNemar of {a_only} and {b_only}: {p}, scipy {want}')
)";

TEST(StatisticsPythonTest, McNemarsPIsThatOfScipysBinomialTest) {
  if (!has_test_python()) GTEST_SKIP() << kNoTestPython;
  const TemporaryFolder folder;
  {
    std::ofstream file(folder / "counts.txt");
    file << std::setprecision(17);
    Random random({8});
    for (int i = 0; i < 500; ++i) {
      const auto most = std::uint64_t{1} << (1 + i % 12);
      const auto a_only = static_cast<std::int64_t>(random.below(most));
      const auto b_only = static_cast<std::int64_t>(random.below(most));
      file << a_only << " " << b_only << " " << mcnemar_p(a_only, b_only) << "\n";
    }
  }
  EXPECT_TRUE(run_test_python(kCompareWithScipy, {(folder / "counts.txt").string()}));
}

constexpr auto kCompareWithScipysWelch = R"(
import sys
from scipy.stats import ttest_ind
for line in open(sys.argv[1]):
    a, b, got = [[float(x) for x in part.split()] for part in line.split(';')]
    want = ttest_ind(b, a, equal_var=False)
    low, high = want.confidence_interval(0.95)
    for name, ours, theirs in zip(('p', 'low', 'high', 'freedom'), got, (want.pvalue, low, high, want.df)):
        if abs(ours - theirs) > 1e-9 * max(1, abs(theirs)) and abs(ours - theirs) > 1e-6 * abs(theirs):
            sys.exit(f'{name} of {a} and {b}: {ours}, scipy {theirs}')
)";

TEST(StatisticsPythonTest, WelchsTestIsThatOfScipy) {
  if (!has_test_python()) GTEST_SKIP() << kNoTestPython;
  const TemporaryFolder folder;
  {
    std::ofstream file(folder / "groups.txt");
    file << std::setprecision(17);
    Random random({9});
    for (int i = 0; i < 300; ++i) {
      std::vector<double> groups[2];
      for (auto& group : groups) {
        const auto shift = 3 * random.uniform();
        for (std::uint64_t n = 2 + random.below(8); group.size() < n;) group.push_back(shift + random.uniform());
        for (const auto x : group) file << x << " ";
        file << ";";
      }
      const auto test = welch_test(groups[0], groups[1]).value();
      file << test.p << " " << test.low << " " << test.high << " " << test.freedom << "\n";
    }
  }
  EXPECT_TRUE(run_test_python(kCompareWithScipysWelch, {(folder / "groups.txt").string()}));
}

}  // namespace
}  // namespace glint::test
