#include "report/query_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "glint/core/error.h"

namespace glint {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr double kRuledOut = -std::numeric_limits<double>::infinity();

CaptionLikeness alike(const std::string& a, const std::string& b) {
  return likeness(caption_words(a), caption_words(b));
}

// `captions`: one a video v0, v1, ...; `best`: for each text its answers, best first, a step of 0.1 apart from 1 down;
// the right one's score is `truth` where it is not among them.
ComparedRun small_run(const std::vector<std::string>& captions, const std::vector<std::vector<std::int64_t>>& best,
                      double truth = 0.1) {
  ComparedRun run;
  for (std::size_t i = 0; i < captions.size(); ++i) {
    run.ranks.queries.push_back({concat("q", i), captions[i], concat("v", i), {}});
    run.ranks.gallery.push_back({concat("v", i), "", "", {}});
    const auto place = std::find(best[i].begin(), best[i].end(), static_cast<std::int64_t>(i)) - best[i].begin();
    run.ranks.t2v.query.push_back(static_cast<std::int64_t>(i));
    run.ranks.t2v.rank.push_back(place);
    run.ranks.t2v.rank_average.push_back(static_cast<double>(place));
    const bool is_listed = place < static_cast<std::ptrdiff_t>(best[i].size());
    run.ranks.t2v.truth_score.push_back(is_listed ? 1 - 0.1 * static_cast<double>(place) : truth);
    for (std::size_t k = 0; k < best[i].size(); ++k) {
      run.ranks.t2v.top_items.push_back(best[i][k]);
      run.ranks.t2v.top_scores.push_back(1 - 0.1 * static_cast<double>(k));
    }
  }
  return run;
}

std::vector<std::optional<ErrorKind>> kinds_of(const ComparedRun& run) {
  return error_kinds(questions_of(run, true), run.ranks);
}

TEST(CaptionWordsTest, AreLowerCaseStemsWithoutArticlesAndPunctuation) {
  EXPECT_THAT(caption_words("A man is Singing, and the DOGS jumped!"),
              ElementsAre("man", "sing", "and", "dog", "jump"));
  EXPECT_THAT(caption_words("caf\xC3\xA9 d'or"), ElementsAre("caf\xC3\xA9", "dor"));
  EXPECT_THAT(caption_words(" ... "), IsEmpty());
  EXPECT_EQ(count_caption_words("  two\twords "), 2);
}

TEST(LikenessTest, EndingsAndArticlesMakeNoDifference) {
  EXPECT_EQ(alike("A man sings.", "the man is singing"), CaptionLikeness::kSame);
  EXPECT_EQ(alike("a couple dances and falls", "a couple dancing and falling"), CaptionLikeness::kSame);
  EXPECT_EQ(alike("a red box", "a blue box"), CaptionLikeness::kUnlike);
  EXPECT_EQ(alike("", ""), CaptionLikeness::kUnlike);
}

TEST(LikenessTest, OtherOrderIsTheSameWordsMoved) {
  EXPECT_EQ(alike("a red box falls, then a blue star spins", "first a blue star spins, then a red box falls"),
            CaptionLikeness::kOtherOrder);
  EXPECT_EQ(alike("a red box falls before a blue star spins", "a red box falls after a blue star spins"),
            CaptionLikeness::kUnlike);  // the words stand in the same order: a reader must judge
  EXPECT_EQ(alike("dog bites man", "man bites dog"), CaptionLikeness::kOtherOrder);
  EXPECT_EQ(alike("a red box falls", "a green ring grows"), CaptionLikeness::kUnlike);
}

TEST(ErrorKindsTest, RightQueriesHaveNone) {
  EXPECT_THAT(kinds_of(small_run({"a", "b"}, {{0, 1}, {1, 0}})), ElementsAre(std::nullopt, std::nullopt));
}

TEST(ErrorKindsTest, AWinnerWithTheSameCaptionIsTheBenchmarksFault) {
  const auto kinds = kinds_of(small_run({"a dog runs", "the dog is running"}, {{1, 0}, {1, 0}}));
  EXPECT_THAT(kinds, ElementsAre(ErrorKind::kEqualCaption, std::nullopt));
}

TEST(ErrorKindsTest, AWinnerFirstForMoreThanFiveQueriesIsAHub) {
  std::vector<std::string> captions;
  std::vector<std::vector<std::int64_t>> best;
  for (std::int64_t i = 0; i < 6; ++i) {
    captions.push_back(concat("word", i));
    best.push_back({0, i == 0 ? 1 : i});
  }
  EXPECT_THAT(kinds_of(small_run(captions, best)), testing::Contains(ErrorKind::kHub).Times(5));
  best[5] = {5, 0};  // first for five now
  EXPECT_THAT(kinds_of(small_run(captions, best)), testing::Not(testing::Contains(ErrorKind::kHub)));
}

TEST(ErrorKindsTest, OrderNearAndFarAreToldApart) {
  auto run = small_run({"dog bites man", "man bites dog", "a", "b", "c"}, {{1, 0}, {1, 0}, {3, 4}, {3, 4}, {3, 4}});
  run.ranks.t2v.truth_score[2] = 0.985;
  EXPECT_THAT(kinds_of(run),
              ElementsAre(ErrorKind::kOrder, std::nullopt, ErrorKind::kNearMiss, std::nullopt, ErrorKind::kFar));
}

TEST(QuestionsTest, TiesCountAsTheSignatureSays) {
  auto run = small_run({"a", "b"}, {{0, 1}, {1, 0}});
  run.ranks.t2v.rank_average = {1, 0};
  EXPECT_TRUE(questions_of(run, true)[0].is_right());
  run.signature.ties = "average";
  EXPECT_FALSE(questions_of(run, true)[0].is_right());
}

TEST(QuestionsTest, AnswersRuledOutAreNone) {
  auto run = small_run({"a", "b"}, {{0, 1}, {1, 0}});
  run.ranks.t2v.top_scores[1] = kRuledOut;
  EXPECT_THAT(questions_of(run, true)[0].best, ElementsAre(0));
}

TEST(QuestionsTest, ARunThatDoesNotAskAQueryIsNamed) {
  const auto run = small_run({"a", "b"}, {{0, 1}, {1, 0}});
  EXPECT_THROW(places_of_ids({"q0", "q7"}, questions_of(run, true), "runs/b"), Error);
}

TEST(OccurrencesTest, CountFirstPlacesAndTheBestTen) {
  const auto questions = questions_of(small_run({"a", "b", "c"}, {{0, 1}, {0, 1}, {2, 1}}), true);
  const auto counts = occurrences(questions, 3);
  EXPECT_THAT(counts.first, ElementsAre(2, 0, 1));
  EXPECT_THAT(counts.top_ten, ElementsAre(2, 3, 1));
}

TEST(OccurrencesTest, SkewnessIsTheThirdMoment) {
  EXPECT_EQ(skewness({3, 3, 3}), 0);
  EXPECT_NEAR(skewness({0, 0, 0, 4}), 1.1547005, 1e-6);  // scipy.stats.skew
  EXPECT_EQ(skewness({}), 0);
}

TEST(EqualCaptionTest, CountsOnlyThoseOfOtherVideos) {
  auto run = small_run({"a dog", "the dog", "a cat"}, {{0, 1}, {1, 0}, {2, 0}});
  EXPECT_THAT(has_equal_caption(questions_of(run, true)), ElementsAre(true, true, false));
  run.ranks.queries[1].video = "v0";
  EXPECT_THAT(has_equal_caption(questions_of(run, true)), ElementsAre(false, false, false));
}

}  // namespace
}  // namespace glint
