#include "glint/core/first_few.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace glint::test {
namespace {

using testing::ElementsAre;
using testing::internal::CaptureStderr;
using testing::internal::GetCapturedStderr;

std::vector<std::string> lines(int count) {
  std::vector<std::string> some;
  for (int i = 0; i < count; ++i) some.push_back("video " + std::to_string(i));
  return some;
}

TEST(FirstFewTest, FiveLinesAreAllThereIsToSay) {
  EXPECT_THAT(first_few({}, "--json names all"), ElementsAre());
  EXPECT_EQ(first_few(lines(5), "--json names all"), lines(5));
}

TEST(FirstFewTest, OfMoreThanFiveTheRestIsCounted) {
  EXPECT_THAT(first_few(lines(998), "--json names all"),
              ElementsAre("video 0", "video 1", "video 2", "video 3", "video 4", "and 993 more; --json names all"));
}

TEST(FirstFewTest, InASentenceCommasStandBetweenThem) {
  EXPECT_EQ(few_names({}), "");
  EXPECT_EQ(few_names(lines(2)), "video 0, video 1");
  EXPECT_EQ(few_names(lines(5)), "video 0, video 1, video 2, video 3, video 4");
  EXPECT_EQ(few_names(lines(998)), "video 0, video 1, video 2, video 3, video 4 and 993 more");
}

TEST(FirstFewTest, InTheLogTheyAreWarnings) {
  CaptureStderr();
  log_first(lines(6), "results.json names all");
  EXPECT_EQ(GetCapturedStderr(),
            "warning: video 0\nwarning: video 1\nwarning: video 2\nwarning: video 3\nwarning: video 4\n"
            "warning: and 1 more; results.json names all\n");
}

}  // namespace
}  // namespace glint::test
