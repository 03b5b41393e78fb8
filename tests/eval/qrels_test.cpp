#include "glint/eval/qrels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/hash.h"

namespace glint::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

const std::vector<std::string> kQueries = {"q0", "q1", "caption 2"};
const std::vector<std::string> kItems = {"v0", "v1", "v2", "clip 3"};

Qrels parse(const std::string& text) {
  return parse_qrels(text, "judged.qrels", kQueries, kItems);
}

void expect_refusal(const std::string& text, const std::string& sentence) {
  EXPECT_THAT([&] { parse(text); }, ThrowsMessage<Error>(HasSubstr(sentence))) << text;
}

TEST(QrelsTest, TrecLinesGiveTheRightItemsOfEveryQuery) {
  const auto qrels = parse("q1 0 v2 1\nq0\t0\tv1  2\r\n\nq1 Q0 v0 1\nq0 0 v0 0\nq0 0 v2 -1");
  EXPECT_EQ(qrels.judgements, 5);
  EXPECT_EQ(qrels.right.items, 4);
  EXPECT_THAT(qrels.right.of_query, ElementsAre(ElementsAre(1), ElementsAre(0, 2), IsEmpty()));
}

TEST(QrelsTest, TheBeirTableMayHaveIdsWithSpaces) {
  const auto qrels = parse("query-id\tcorpus-id\tscore\ncaption 2\tclip 3\t1\nq0\tv1\t1\n");
  EXPECT_THAT(qrels.right.of_query, ElementsAre(ElementsAre(1), IsEmpty(), ElementsAre(3)));
}

TEST(QrelsTest, AByteOrderMarkIsPassedOver) {
  EXPECT_EQ(parse("\xEF\xBB\xBFquery-id\tcorpus-id\tscore\nq0\tv1\t1\n").judgements, 1);
}

TEST(QrelsTest, IdsAreFoundInTheOtherUnicodeForm) {
  const auto qrels = parse_qrels("q 0 cafe\xCC\x81 1\n", "judged.qrels", {"q"}, {"a", "caf\xC3\xA9"});
  EXPECT_THAT(qrels.right.of_query, ElementsAre(ElementsAre(1)));
}

TEST(QrelsTest, AnUnknownIdIsNamedWithItsLine) {
  expect_refusal("q0 0 v0 1\nq7 0 v0 1\n", "judged.qrels:2: no query of the data set has the id 'q7'");
  expect_refusal("q0 0 v9 1\n", "judged.qrels:1: no item of the data set has the id 'v9'");
}

TEST(QrelsTest, APairGivenTwiceMustHaveOneRelevance) {
  EXPECT_EQ(parse("q0 0 v0 1\nq0 0 v0 1\n").judgements, 1);
  expect_refusal("q0 0 v0 1\n\nq0 0 v0 0\n",
                 "judged.qrels:3: gives 'q0' and 'v0' relevance 0, and line 1 gives them 1");
}

TEST(QrelsTest, LinesOfAnotherFormAreRefused) {
  expect_refusal("q0 0 v0\n", "judged.qrels:1: has 3 fields where query 0 item relevance is wanted");
  expect_refusal("q0 Q0 v0 1 0.5 run\n", "has 6 fields");
  expect_refusal("query-id\tcorpus-id\tscore\nq0 v0 1\n",
                 "judged.qrels:2: has 1 fields where query-id, corpus-id and score");
  expect_refusal("q0\tv0\t1\n", "(or the header query-id TAB corpus-id TAB score first)");
  for (const std::string bad : {"x", "1.5", "1x", "99999999999999999999", "+"}) {
    expect_refusal("q0 0 v0 " + bad + "\n", "judged.qrels:1: relevance '" + bad + "' is not a whole number");
  }
  expect_refusal("q0 0 v0 1\nq0 0 v\xFF 1\n", "judged.qrels:2: is not UTF-8 text");
}

TEST(QrelsTest, AFileWithoutJudgementsIsRefused) {
  for (const std::string text : {"", "\n \n", "query-id\tcorpus-id\tscore\n"}) {
    expect_refusal(text, "judged.qrels: holds no judgement");
  }
}

TEST(QrelsTest, AnIdOfTwoQueriesIsRefused) {
  EXPECT_THAT(
      [] {
        parse_qrels("a 0 v 1\n", "f", {"a", "a"}, {"v"});
      },
      ThrowsMessage<Error>(HasSubstr("query id 'a'")));
  EXPECT_THAT([] { parse_qrels("a 0 v 1\n", "f", {"a"}, {"v", "v"}); }, ThrowsMessage<Error>(HasSubstr("item id 'v'")));
}

TEST(QrelsTest, AFileIsReadAndNamedByItsHash) {
  const auto path = std::filesystem::path(testing::TempDir()) / "glint_qrels_test.txt";
  const std::string text = "q0 0 v0 1\n";
  write_file(path, text);
  const auto qrels = read_qrels(path, kQueries, kItems);
  EXPECT_EQ(qrels.hash, sha256(text).substr(0, 8));
  std::filesystem::remove(path);
  EXPECT_THAT([&] { read_qrels(path, kQueries, kItems); }, ThrowsMessage<Error>(HasSubstr("glint_qrels_test.txt")));
}

TEST(RightAnswersTest, TransposingGivesTheRightQueriesOfEveryItem) {
  const auto qrels = parse("q1 0 v2 1\nq0 0 v2 1\nq1 0 v0 1\n");
  const auto turned = transposed(qrels.right);
  EXPECT_EQ(turned.items, 3);
  EXPECT_THAT(turned.of_query, ElementsAre(ElementsAre(1), IsEmpty(), ElementsAre(0, 1), IsEmpty()));
  EXPECT_EQ(transposed(turned).of_query, qrels.right.of_query);
}

TEST(RightAnswersTest, AddingKeepsTheOwnPairs) {
  const auto own = own_answers({0, 1, 1}, 4);
  const auto both = united(own, parse("q0 0 v2 1\nq1 0 v1 1\n").right);
  EXPECT_THAT(both.of_query, ElementsAre(ElementsAre(0, 2), ElementsAre(1), ElementsAre(1)));
  EXPECT_THROW(united(own, own_answers({0}, 4)), Bug);
}

TEST(RightAnswersTest, RestrictingLeavesOutAndRenumbers) {
  const RightAnswers of{{{0, 3}, {1}, {}}, 4};
  const auto kept = restricted(of, /*queries=*/{1, 0}, /*items=*/{3, 1});
  EXPECT_EQ(kept.items, 2);
  EXPECT_THAT(kept.of_query, ElementsAre(ElementsAre(1), ElementsAre(0)));
}

}  // namespace
}  // namespace glint::test
