#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "e2e/program.h"
#include "glint/core/atomic_file.h"

namespace glint::test {
namespace {

TEST(SettingsTest, TheDocumentedSettingsAreThoseTheProgramPrints) {
  const auto printed = run_program({"train", "--settings"});
  EXPECT_EQ(printed.exit_code, 0);
  EXPECT_THAT(read_file("docs/settings.md"), testing::HasSubstr("```yaml\n" + printed.out + "```\n"));
}

}  // namespace
}  // namespace glint::test
