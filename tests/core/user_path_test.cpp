#include "glint/core/user_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "glint/core/error.h"

namespace glint::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(UserPathTest, ALeadingTildeIsTheHomeFolder) {
  ::setenv("HOME", "/home/ann", 1);
  EXPECT_EQ(expand_home("~", "run.dir"), "/home/ann");
  EXPECT_EQ(expand_home("~/runs/a", "run.dir"), "/home/ann/runs/a");
  EXPECT_EQ(expand_home("runs/~/a", "run.dir"), "runs/~/a");
  EXPECT_EQ(expand_home("a~", "run.dir"), "a~");
  EXPECT_EQ(expand_home("", "run.dir"), "");
}

TEST(UserPathTest, WithoutHomeTheSystemIsAsked) {
  ::unsetenv("HOME");
  EXPECT_EQ(expand_home("~/a", "run.dir").front(), '/');
}

TEST(UserPathTest, AnotherUsersHomeIsRefused) {
  EXPECT_THAT(
      [] { expand_home("~bob/x", "run.dir"); },
      ThrowsMessage<Error>(HasSubstr("run.dir: '~bob/x' begins with ~ and a name, which glint does not expand")));
}

}  // namespace
}  // namespace glint::test
