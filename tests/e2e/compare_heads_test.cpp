#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "e2e/program.h"
#include "e2e/small_run.h"
#include "glint/core/atomic_file.h"
#include "support/environment.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

ProgramResult compare_heads(const std::string& words) {
  std::string line = "scripts/compare_heads --glint \"$GLINT_PROGRAM\" " + words;
  for (const auto& setting : small_settings()) line += " '" + setting + "'";
  return run_shell(line);
}

TEST(CompareHeadsTest, ItTrainsEachHeadAlikeAndASecondCallTrainsNothing) {
  const TemporaryFolder folder;
  const auto out = folder / "runs";
  const auto words = "--heads mean_pool,tight --out " + out.string();
  const auto first = compare_heads(words);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const std::string numbers = "( \\| [0-9.,-]+)+ \\|\n";
  EXPECT_THAT(first.out, MatchesRegex("\\| head .*\n\\|---.*\n\\| mean_pool" + numbers + "\\| tight" + numbers));
  EXPECT_EQ(logged(out / "mean_pool", "lr"), logged(out / "tight", "lr"));  // the same budget

  const auto metrics = out / "tight" / "metrics.jsonl";
  const auto trained = read_file(metrics);
  const auto second = compare_heads(words);
  EXPECT_EQ(second.out, first.out) << second.err;
  EXPECT_EQ(read_file(metrics), trained);
}

TEST(CompareHeadsTest, AHeadThatIsNoneIsNamedBeforeAnythingRuns) {
  const auto result = compare_heads("--heads mean_pool,loose");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("--heads: no head 'loose'; there are mean_pool, glscl"));
}

}  // namespace
}  // namespace glint::test
