#include "glint/report/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "glint/core/error.h"
#include "glint/report/table.h"
#include "report/markup_reader.h"

namespace glint::html {
namespace {

using test::read_markup;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Table small_table() {
  return {"Ranks <of> all",
          {{"query"}, {"rank", true}},
          {{"a & b", count_cell(1234)}, {"<i>c</i>", number_cell(0.5, 1)}},
          true};
}

Page small_page() {
  return {"Run <1>",
          element("p", "It went & well."),
          {{"ranks", "Ranks", table(small_table())}, {"data", "Data", "none"}},
          "the end"};
}

TEST(TableTest, HasHeadingsForRowsAndColumnsAndKeysToSortBy) {
  const auto text = table(small_table()).text();
  const auto seen = read_markup(text);
  EXPECT_EQ(seen.fault, "");
  EXPECT_EQ(seen.count("th"), 4U);
  EXPECT_EQ(seen.count("td"), 2U);
  EXPECT_THAT(text, HasSubstr("<td class=\"n\" data-key=\"1234\">1,234</td>"));
  EXPECT_THAT(seen.text, HasSubstr("<i>c</i>"));
  EXPECT_THAT(text, HasSubstr("<table class=\"sort filter\">"));
}

TEST(TableTest, ARowOfAnotherLengthIsABug) {
  auto wrong = small_table();
  wrong.rows[1].pop_back();
  EXPECT_THROW(table(wrong), Bug);
}

TEST(PageTest, IsOneWellFormedFileThatLoadsNothing) {
  const auto text = page_text(small_page());
  const auto seen = read_markup(text);
  EXPECT_EQ(seen.fault, "");
  EXPECT_THAT(text, StartsWith("<!DOCTYPE html>"));
  EXPECT_EQ(seen.count("h1"), 1U);
  EXPECT_EQ(seen.count("h2"), 2U);
  EXPECT_EQ(seen.count("link"), 0U);
  EXPECT_EQ(seen.count_attribute("src"), 0U);
  EXPECT_THAT(text, Not(HasSubstr("http://")));
  EXPECT_THAT(text, Not(HasSubstr("https://")));
  EXPECT_THAT(text, Not(HasSubstr("@import")));
  EXPECT_THAT(seen.text, HasSubstr("Run <1>"));
}

TEST(PageTest, ItsPolicyNamesItsStyleAndItsScriptAndNothingElse) {
  const auto seen = read_markup(page_text(small_page()));
  std::string policy;
  for (const auto& attributes : seen.attributes) {
    if (attributes.count("http-equiv") > 0) policy = attributes.at("content");
  }
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, HasSubstr("script-src 'sha256-"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe-inline")));
  // What such a policy forbids is not used.
  EXPECT_EQ(seen.count_attribute("style"), 0U);
  EXPECT_EQ(seen.count_attribute("onclick"), 0U);
}

TEST(PageTest, ASplitPageHasItsStyleAndScriptBeside) {
  std::vector<PageFile> files;
  const auto text = split_page_text(small_page(), "report_files", files);
  const auto seen = read_markup(text);
  EXPECT_EQ(seen.fault, "");
  EXPECT_EQ(seen.count("style"), 0U);
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].name, "report_files/style.css");
  EXPECT_EQ(files[1].name, "report_files/script.js");
  for (const auto& file : files) EXPECT_THAT(text, HasSubstr(file.name));
}

TEST(PageTest, PicturesStandInThePageOrBesideIt) {
  Pictures inside;
  EXPECT_THAT(inside.image("foo", 2, 1, "a \"b\"").text(),
              HasSubstr("src=\"data:image/jpeg;base64,Zm9v\" width=\"2\" height=\"1\" alt=\"a &quot;b&quot;\""));
  EXPECT_TRUE(inside.files().empty());
  Pictures beside("report_files");
  beside.image("foo", 2, 1, "a");
  beside.image("bar", 2, 1, "b");
  beside.image("foo", 2, 1, "c");  // the same bytes: one file
  ASSERT_EQ(beside.files().size(), 2U);
  EXPECT_EQ(beside.files()[0].content, "foo");
  EXPECT_THAT(beside.image("bar", 2, 1, "d").text(), HasSubstr("src=\"" + beside.files()[1].name + "\""));
}

}  // namespace
}  // namespace glint::html
