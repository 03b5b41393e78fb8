#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "e2e/program.h"
#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"

namespace glint::test {
namespace {

using testing::HasSubstr;

// From "head:" to the next section.
std::string head_section(const std::string& settings) {
  const auto begin = settings.find("head:\n");
  return settings.substr(begin, settings.find("optim:\n") - begin);
}

TEST(SettingsTest, TheDocumentedSettingsAreThoseTheProgramPrints) {
  const auto printed = run_program({"train", "--settings"});
  EXPECT_EQ(printed.exit_code, 0);
  EXPECT_THAT(read_file("docs/settings.md"), HasSubstr("```yaml\n" + printed.out + "```\n"));
}

TEST(SettingsTest, EveryHeadsKeysAreDocumented) {
  const auto documented = read_file("docs/settings.md");
  for (const auto& head : head_names()) {
    const auto printed = run_program({"train", "--settings", "head.name=" + head});
    EXPECT_THAT(documented, HasSubstr(head_section(printed.out))) << head;
  }
}

TEST(SettingsTest, SettingsArePrintedAsTheFileAndTheWordsGiveThem) {
  const auto printed = run_program({"train", "configs/demo.yaml", "train.seed=7", "--settings"});
  EXPECT_EQ(printed.exit_code, 0) << printed.err;
  EXPECT_THAT(printed.out, HasSubstr("  seed: 7 "));
  EXPECT_THAT(printed.out, HasSubstr("  start: short_run "));
}

TEST(SettingsTest, TrainingWithoutASettingsFileIsOneSentence) {
  const auto refused = run_program({"train"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("which settings file?"));
}

}  // namespace
}  // namespace glint::test
