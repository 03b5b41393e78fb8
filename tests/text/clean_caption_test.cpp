#include "text/clean_caption.h"

#include <gtest/gtest.h>

#include <unicode/uchar.h>
#include <random>
#include <string>

namespace glint {
namespace {

using namespace std::string_literals;

TEST(CleanCaptionTest, PlainCaptionsLoseCapitalsAndSuperfluousSpace) {
  EXPECT_EQ(clean_caption("  A Man\tis \n playing  the Guitar. "), "a man is playing the guitar.");
  EXPECT_EQ(clean_caption(""), "");
  EXPECT_EQ(clean_caption(" \t\n\r\f\v "), "");
}

TEST(CleanCaptionTest, EntitiesAreReadToTheEndUnlessATagWasSeen) {
  EXPECT_EQ(clean_caption("&amp;amp;amp; R&amp;D"), "& r&d");
  EXPECT_EQ(clean_caption("<b> &amp;amp;amp;"), "<b> &amp;");
  EXPECT_EQ(clean_caption("&amp;amp;amp;\n<b> &amp;amp;amp;\n&amp;amp;amp;"), "& <b> &amp; &amp;");
  EXPECT_EQ(clean_caption("&lt;i&gt; &eacute; &NTILDE; &frac12; &#39;&#x27;&#x80;"),
            "<i> \u00e9 \u00f1 \u00bd ''\u20ac");
  EXPECT_EQ(clean_caption("&ampersand &notanentity; &copy2020 &#65 &#x; &# &;"),
            "&ersand \u00acanentity; \u00a92020 a &#x; &# &;");
  EXPECT_EQ(clean_caption("&#xD800;&#x110000;&#99999999999999999999;|&#1;"), "\ufffd\ufffd\ufffd|");
}

TEST(CleanCaptionTest, QuotesWidthLigaturesAndLineEndsBecomePlain) {
  EXPECT_EQ(clean_caption("she\u2019s \u201cquoted\u201d \u2018single\u2019 low\u201aer"),
            "she's \"quoted\" 'single' low'er");
  EXPECT_EQ(clean_caption("\uff26\uff35\uff2c\uff2c\u3000\uff11\uff12 \uff76"), "full 12 \u30ab");
  EXPECT_EQ(clean_caption("\ufb01ne o\ufb03ce \u0133 \u01c6 \u0149 \ufb05"), "fine office ij d\u017e 'n \u017ft");
  EXPECT_EQ(clean_caption("a\u2028b\u2029c\r\nd\re\u0085"), "a b c d e\u2026");
}

TEST(CleanCaptionTest, ControlsAndTerminalEscapesGoAndJoinersStay) {
  EXPECT_EQ(clean_caption("nul\0inside bell\a esc\x1b[31;1mred\x1b[0m \x1b[1;\x7f"s), "nulinside bell escred [1;");
  EXPECT_EQ(clean_caption("\ufeffbom a\u200bb\u200dc soft\u00adhyphen"), "bom a\u200bb\u200dc soft\u00adhyphen");
}

TEST(CleanCaptionTest, LettersAreComposedAndSmallAsUnicodeHasIt) {
  EXPECT_EQ(clean_caption("cafe\u0301 A\u030angstro\u0308m"), "caf\u00e9 \u00e5ngstr\u00f6m");
  EXPECT_EQ(clean_caption("\u03a3\u03ac\u03a3 \u0130 STRASSE\u1e9e"), "\u03c3\u03ac\u03c2 i\u0307 strasse\u00df");
}

TEST(CleanCaptionTest, BadUtf8IsReplaced) {
  EXPECT_EQ(clean_caption("a\xff"
                          "b"),
            "a\ufffd"
            "b");
  EXPECT_EQ(clean_caption("cut \xe2\x82"), "cut \ufffd");
  EXPECT_EQ(clean_caption("\xed\xa0\x80 \xc0\xaf"), "\ufffd\ufffd\ufffd \ufffd\ufffd");
}

// Both ends of a hostile caption: very many levels of entities, and very many of them.
TEST(CleanCaptionTest, NestedEntitiesTakeBoundedTime) {
  std::string nested = "&";
  for (int level = 0; level < 10'000; ++level) nested += "amp;";
  EXPECT_EQ(clean_caption(nested).substr(0, 9), "&amp;amp;");
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "&#38;";
  EXPECT_EQ(clean_caption(many), std::string(20'000, '&'));
}

TEST(CleanCaptionTest, WhatIsCleanStaysAndHasNoOuterSpace) {
  std::mt19937 random(7);
  const auto pick = [&](auto... choices) {
    const std::string all[] = {choices...};
    return all[random() % sizeof...(choices)];
  };
  for (int round = 0; round < 2'000; ++round) {
    std::string text;
    for (unsigned part = 0; part < 1 + random() % 12; ++part) {
      text += pick("a"s, " "s, "\n"s, "\t"s, "B\u0301"s, "\u3000"s, "\xff"s, "\0"s, "\u2019"s, "\ufb03"s, "\u1680"s,
                   "\x1b[1m"s);
    }
    const auto cleaned = clean_caption(text);
    EXPECT_EQ(clean_caption(cleaned), cleaned) << text;
    EXPECT_EQ(cleaned.find("  "), cleaned.npos);
    EXPECT_FALSE(cleaned.starts_with(' ') || cleaned.ends_with(' '));
  }
}

}  // namespace
}  // namespace glint
