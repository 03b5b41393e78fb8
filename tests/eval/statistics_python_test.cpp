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

}  // namespace
}  // namespace glint::test
