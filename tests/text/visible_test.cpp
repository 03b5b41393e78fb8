#include "glint/text/visible.h"

#include <gtest/gtest.h>

#include <string>

namespace glint::test {
namespace {

TEST(VisibleTest, WhatCleaningLeavesNothingOfIsBlank) {
  for (const char* text : {"", " ", "\t\n", "\xC2\xA0", "\xE2\x80\x8B", "\xEF\xBB\xBF", "\x01\x1F", "\xE3\x80\x80",
                           "\xE2\x80\x8B \xC2\xA0\xE2\x80\x8D", "&nbsp;", "&#8203; &nbsp;", "\xC2\xAD", "\xE2\xA0\x80",
                           "\xE2\x81\xA0", "\x1B[0m"}) {
    EXPECT_TRUE(is_blank(text)) << text;
  }
}

TEST(VisibleTest, WhatAReaderSeesIsNot) {
  for (const char* text : {"a", " a", "\xC2\xA0 \xC3\xA9", ".", "\xF0\x9F\x8E\xAC", "\xE6\x97\xA5", "&amp;", "&",
                           "\xE2\x80\x8B"
                           "a"}) {
    EXPECT_FALSE(is_blank(text)) << text;
  }
}

}  // namespace
}  // namespace glint::test
