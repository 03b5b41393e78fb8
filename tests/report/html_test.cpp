#include "glint/report/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "glint/core/error.h"
#include "report/markup_reader.h"

namespace glint::html {
namespace {

using test::read_markup;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(HtmlTest, TextIsTextWhateverItSays) {
  const std::string hostile = "</td><script>alert('1')</script><img src=x onerror=\"alert(2)\"> & &lt; <!-- ]]>";
  const auto seen = read_markup(element("p", {{"title", hostile}}, hostile).text());
  EXPECT_EQ(seen.fault, "");
  EXPECT_THAT(seen.elements, ElementsAre("p"));
  EXPECT_EQ(seen.text, hostile);
  EXPECT_EQ(seen.attributes[0].at("title"), hostile);
}

TEST(HtmlTest, BytesThatNoPageMayHoldAreReplaced) {
  EXPECT_EQ(Markup("a\xFFz").text(), "a?z");
  EXPECT_EQ(Markup("a\xC0\xAFz").text(), "a??z");  // '/' in two bytes
  EXPECT_EQ(Markup(std::string_view("a\0z", 3)).text(), "a\xEF\xBF\xBDz");
  EXPECT_EQ(Markup("a\x1B[31mz").text(), "a\xEF\xBF\xBD[31mz");
  EXPECT_EQ(Markup("a\xC2\x85z").text(), "a\xEF\xBF\xBDz");      // C1: next line
  EXPECT_EQ(Markup("a\xEF\xBF\xBEz").text(), "a\xEF\xBF\xBDz");  // U+FFFE
  EXPECT_EQ(Markup("\ttab\nline \xC2\xA0\xC3\xA9\xF0\x9F\x8E\xAC").text(),
            "\ttab\nline \xC2\xA0\xC3\xA9\xF0\x9F\x8E\xAC");
}

TEST(HtmlTest, RightToLeftMarksStayWithinTheirText) {
  EXPECT_EQ(foreign("\xE2\x80\xAE<b>").text(), "<bdi>\xE2\x80\xAE&lt;b&gt;</bdi>");
}

TEST(HtmlTest, WhatIsMarkupAlreadyIsNotEscapedAgain) {
  EXPECT_EQ(element("p", element("b", "1 < 2") + " & more").text(), "<p><b>1 &lt; 2</b> &amp; more</p>");
}

TEST(HtmlTest, ANameThatIsNoneIsABug) {
  EXPECT_THROW(element("p onclick=x", "a"), Bug);
  EXPECT_THROW(single("img", {{"src=x onerror", "y"}}), Bug);
  EXPECT_THROW(element("", "a"), Bug);
}

TEST(HtmlTest, NumbersReadAsPeopleWriteThem) {
  EXPECT_EQ(fixed(-0.04, 1), "0.0");
  EXPECT_EQ(fixed(std::nan(""), 1), "not a number");
  EXPECT_EQ(fixed(-std::numeric_limits<double>::infinity(), 1), "-infinity");
  EXPECT_EQ(with_sign(0.04, 1), "0.0");
  EXPECT_EQ(with_sign(1.25, 1), "+1.2");
  EXPECT_EQ(with_sign(-3, 1), "-3.0");
  EXPECT_EQ(short_number(4560), "4,560");
  EXPECT_EQ(short_number(-123456), "-123,456");
  EXPECT_EQ(short_number(0.00123456), "0.00123");
  EXPECT_EQ(short_number(12.3456), "12.3");
  EXPECT_EQ(short_number(1234.56), "1,235");
  EXPECT_EQ(short_number(1e-7), "1e-07");
  EXPECT_EQ(short_number(2.5e9), "2.5e+09");
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(p_value(0.00001), "<0.0001");
  EXPECT_EQ(p_value(0.5), "0.5000");
}

TEST(HtmlTest, Base64IsThatOfTheStandard) {  // RFC 4648, section 10
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xFF\xFE\xFD"), "//79");
}

}  // namespace
}  // namespace glint::html
