#include "glint/core/utf8.h"

#include <gtest/gtest.h>

namespace glint::test {
namespace {

TEST(Utf8Test, FindsTheFirstByteThatIsNotUtf8) {
  EXPECT_FALSE(find_bad_utf8(""));
  EXPECT_FALSE(find_bad_utf8("plain, größe, видео, 日本, \xF0\x9F\x8E\xAC, \xF4\x8F\xBF\xBF"));
  EXPECT_EQ(find_bad_utf8("caf\xE9 au lait"), 3u);    // Latin-1
  EXPECT_EQ(find_bad_utf8("ab\xC3"), 2u);             // cut short
  EXPECT_EQ(find_bad_utf8("\x80"), 0u);               // begins with a continuation
  EXPECT_EQ(find_bad_utf8("a\xC0\x80"), 1u);          // overlong
  EXPECT_EQ(find_bad_utf8("a\xE0\x9F\xBF"), 1u);      // overlong
  EXPECT_EQ(find_bad_utf8("a\xF0\x8F\xBF\xBF"), 1u);  // overlong
  EXPECT_EQ(find_bad_utf8("a\xED\xA0\x80"), 1u);      // surrogate
  EXPECT_EQ(find_bad_utf8("a\xF4\x90\x80\x80"), 1u);  // past U+10FFFF
  EXPECT_EQ(find_bad_utf8("a\xFF"), 1u);
}

}  // namespace
}  // namespace glint::test
