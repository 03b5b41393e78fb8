#include <gtest/gtest.h>

#include <cstdlib>

#include "parity/parity.h"
#include "support/environment.h"

namespace glint::test {
namespace {

// Golden cases are found when the test runs, so that GLINT_GOLDEN_DIR can name other folders; one test a kind.
class ParityTest : public testing::TestWithParam<std::string> {};

TEST_P(ParityTest, EveryGoldenCaseOfTheKindMatches) {
  int found = 0;
  for (const auto& folder : golden_case_dirs()) {
    const auto golden = load_golden_case(folder);
    if (golden.kind != GetParam()) continue;
    ++found;
    const auto report = parity_checks().at(golden.kind)(golden);
    EXPECT_TRUE(report.ok()) << golden.name << ": worst " << report.worst();
    for (const auto& failure : report.failures()) ADD_FAILURE() << golden.name << ": " << failure;
  }
  if (found > 0) return;
  if (std::getenv("GLINT_GOLDEN_DIR") != nullptr) GTEST_SKIP() << "GLINT_GOLDEN_DIR has no case of the kind";
  FAIL() << "tests/golden holds no case of kind " << GetParam();
}

std::vector<std::string> kinds() {
  std::vector<std::string> names;
  for (const auto& [kind, check] : parity_checks()) names.push_back(kind);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Golden, ParityTest, testing::ValuesIn(kinds()), [](const auto& kind) { return kind.param; });

}  // namespace
}  // namespace glint::test
