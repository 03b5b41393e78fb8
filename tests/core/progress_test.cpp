#include "glint/core/progress.h"

#include <gtest/gtest.h>

#include "core/terminal_line.h"

namespace glint::test {
namespace {

TEST(ProgressTest, ALineIsCutToTheTerminalsWidth) {
  EXPECT_EQ(fitted("train: 57/280 steps", 100), "train: 57/280 steps");
  EXPECT_EQ(fitted("train: 57/280 steps", 8), "train: 5");
  EXPECT_EQ(fitted("größe", 4), "größ") << "letters are counted, not bytes";
  EXPECT_EQ(fitted("a視頻b", 4), "a視") << "letters of two columns";
  EXPECT_EQ(fitted("a視頻b", 5), "a視頻");
  EXPECT_EQ(fitted("", 5), "");
}

TEST(ProgressTest, DurationsReadAsClocksDo) {
  EXPECT_EQ(duration_text(4), "4 s");
  EXPECT_EQ(duration_text(123), "2:03");
  EXPECT_EQ(duration_text(3723), "1:02:03");
}

}  // namespace
}  // namespace glint::test
