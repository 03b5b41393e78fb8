#include "glint/io/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "glint/core/error.h"
#include "glint/core/random.h"

namespace glint::test {
namespace {

using testing::ElementsAre;
using testing::Eq;
using testing::ThrowsMessage;

void expect_csv_refused(const std::string& text, const std::string& sentence) {
  EXPECT_THAT([&] { parse_csv(text, "a.csv"); }, ThrowsMessage<Error>(Eq("a.csv" + sentence))) << text;
}

TEST(CsvTest, ReadsQuotesCommasAndLinesInsideFields) {
  const auto table = parse_csv(
      "\xEF\xBB\xBFvideo,caption,note\r\n"
      "a.mp4,\"a dog, running\",\r\n"
      "\r\n"
      "b.mp4,\"she says \"\"hi\"\"\nand goes\",\"\"\n"
      "c.mp4,5\" tall, spaces kept ",
      "a.csv");
  EXPECT_THAT(table.columns, ElementsAre("video", "caption", "note"));
  ASSERT_EQ(table.rows.size(), 3u);
  EXPECT_THAT(table.rows[0].fields, ElementsAre("a.mp4", "a dog, running", ""));
  EXPECT_EQ(table.rows[0].line, 2);
  EXPECT_THAT(table.rows[1].fields, ElementsAre("b.mp4", "she says \"hi\"\nand goes", ""));
  EXPECT_EQ(table.rows[1].line, 4);
  EXPECT_THAT(table.rows[2].fields, ElementsAre("c.mp4", "5\" tall", " spaces kept "));
  EXPECT_EQ(table.rows[2].line, 6);
  EXPECT_EQ(table.column("note"), 2u);
  EXPECT_FALSE(table.column("Note"));
}

TEST(CsvTest, BlanksAroundColumnsAndQuotesAndLoneCarriageReturnsAreUnderstood) {
  const auto table = parse_csv("video, caption ,n\ra, \"b, c\" , d\r", "a.csv");
  EXPECT_THAT(table.columns, ElementsAre("video", "caption", "n"));
  ASSERT_EQ(table.rows.size(), 1u);
  EXPECT_THAT(table.rows[0].fields, ElementsAre("a", "b, c", " d"));
  EXPECT_EQ(table.rows[0].line, 2);
}

TEST(CsvTest, WhatIsNotATableNamesItsLine) {
  expect_csv_refused("", ": is empty");
  expect_csv_refused("\n\n", ": is empty");
  expect_csv_refused("a,b\n1,2\n1,2,3\n",
                     ":3: has 3 fields, the header has 2 (a comma inside a field needs quotes around it)");
  expect_csv_refused("a,b\n\n1\n",
                     ":3: has 1 fields, the header has 2 (a comma inside a field needs quotes around it)");
  expect_csv_refused("a,b\n1,\"2\n3\n", ":2: a quote begins here and does not end");
  expect_csv_refused("a,b\n\"1\n\"x,2\n",
                     ":3: text follows a closing quote; a comma is missing or a quote not doubled");
  expect_csv_refused("a,b,a\n", ":1: column 'a' stands twice");
  EXPECT_THAT([] { parse_csv(std::string(100'000, ','), "a.csv"); },
              ThrowsMessage<Error>(Eq("a.csv:1: has more than 1000 columns")));
  expect_csv_refused("a,b\n1,caf\xE9\n", ":2: is not UTF-8 text");
}

TEST(CsvTest, WhatIsQuotedReadsBack) {
  Random random{7};
  const std::string alphabet = "a,\"\n\r ";
  for (int round = 0; round < 200; ++round) {
    const std::size_t columns = 1 + random.below(3);
    std::vector<std::vector<std::string>> rows(2);
    std::string text;
    for (auto& row : rows) {
      for (std::size_t c = 0; c < columns; ++c) {
        std::string field = std::to_string(c);
        for (auto n = random.below(6); n > 0; --n) field += alphabet[random.below(alphabet.size())];
        row.push_back(field);
        text += c == 0 ? "\"" : ",\"";
        for (const char letter : field) text += std::string(letter == '"' ? 2 : 1, letter);
        text += '"';
      }
      text += random.chance(0.5) ? "\n" : "\r\n";
    }
    const auto table = parse_csv(text, "a.csv");
    EXPECT_EQ(table.columns, rows[0]) << text;
    ASSERT_EQ(table.rows.size(), 1u) << text;
    EXPECT_EQ(table.rows[0].fields, rows[1]) << text;
  }
}

}  // namespace
}  // namespace glint::test
