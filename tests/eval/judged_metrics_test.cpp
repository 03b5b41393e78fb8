#include "glint/eval/judged_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "glint/core/error.h"

namespace glint::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(JudgedMetricsTest, APositionCountsTheWrongItemsAbove) {
  // Query 0: right items 1 and 4, wrong scores 9, 7, 7, 1. Query 1 has none. Query 2: item 0 alone.
  const auto scores =
      torch::tensor({{9.f, 8.f, 7.f, 7.f, 2.f, 1.f}, {0.f, 0.f, 0.f, 0.f, 0.f, 0.f}, {1.f, 2.f, 3.f, 1.f, 0.f, 1.f}});
  const RightAnswers right{{{1, 4}, {}, {0}}, 6};
  const auto judged = judged_positions(scores, Direction::kTextToVideo, right);
  EXPECT_EQ(judged.not_asked, 1);
  EXPECT_THAT(judged.queries, ElementsAre(0, 2));
  EXPECT_THAT(judged.positions, ElementsAre(ElementsAre(1, 4), ElementsAre(2)));
  EXPECT_THAT(judged.positions_average, ElementsAre(ElementsAre(1, 4), ElementsAre(3)));  // two wrong ones equal 1
  EXPECT_EQ(judged.tied(), 1);
}

TEST(JudgedMetricsTest, EqualRightAnswersAreNoTie) {
  const auto judged = judged_positions(torch::tensor({{5.f, 5.f, 4.f}}), Direction::kTextToVideo, {{{0, 1}}, 3});
  EXPECT_THAT(judged.positions, ElementsAre(ElementsAre(0, 1)));
  EXPECT_EQ(judged.tied(), 0);
}

TEST(JudgedMetricsTest, PositionsAreThoseOfASortWhateverTheShape) {
  torch::manual_seed(41);
  const auto scores = torch::randperm(320 * 450).reshape({320, 450}).to(torch::kFloat32);  // no ties
  RightAnswers right{std::vector<std::vector<int64_t>>(320), 450};
  for (std::size_t query = 0; query < 320; ++query) {
    for (int64_t item = 0; item < 450; ++item) {
      if (torch::rand({1}).item<double>() < 0.01) right.of_query[query].push_back(item);
    }
  }
  for (const auto direction : {Direction::kTextToVideo, Direction::kVideoToText}) {
    const bool text_asks = direction == Direction::kTextToVideo;
    const auto of_direction = text_asks ? right : transposed(right);
    const auto rows = text_asks ? scores : scores.t();
    const auto judged = judged_positions(scores, direction, of_direction);
    for (std::size_t i = 0; i < judged.queries.size(); ++i) {
      const auto place = rows[judged.queries[i]].argsort(0, true).argsort(0, false);  // [G]
      std::vector<double> want;
      for (const int64_t item : of_direction.of_query[static_cast<std::size_t>(judged.queries[i])]) {
        want.push_back(place[item].item<double>());
      }
      std::sort(want.begin(), want.end());
      EXPECT_EQ(judged.positions[i], want);
    }
  }
}

TEST(JudgedMetricsTest, WithOneRightAnswerTheyAreThePlainMetrics) {
  torch::manual_seed(42);
  const auto scores = torch::randint(20, {30, 12}).to(torch::kFloat32);
  const auto owner = torch::randint(12, {30}, torch::kInt64);
  const std::vector<int64_t> owners(owner.const_data_ptr<int64_t>(), owner.const_data_ptr<int64_t>() + 30);
  const auto judged = judged_positions(scores, Direction::kTextToVideo, own_answers(owners, 12));
  for (const auto ties : {Ties::kOptimistic, Ties::kAverage}) {
    const auto ours = summarise(judged, ties);
    const auto plain = summarise(t2v_ranks(scores, owner), ties);
    EXPECT_EQ(ours.r5, plain.r5);
    EXPECT_EQ(ours.median_rank, plain.median_rank);
    EXPECT_NEAR(ours.ndcg10, plain.ndcg10, 1e-14);
    EXPECT_NEAR(ours.map, plain.mrr, 1e-14);
    EXPECT_NEAR(ours.recall10, plain.r10 / 100, 1e-14);
    EXPECT_EQ(ours.tied, plain.tied);
  }
}

TEST(JudgedMetricsTest, GainAndPrecisionAreOfAllRightAnswers) {
  EXPECT_DOUBLE_EQ(average_precision({0, 3}), (1.0 + 2.0 / 4) / 2);
  EXPECT_DOUBLE_EQ(ndcg10({1, 12}), (1 / std::log2(3.0)) / (1 + 1 / std::log2(3.0)));
  std::vector<double> many;
  for (int m = 0; m < 25; ++m) many.push_back(m);
  EXPECT_DOUBLE_EQ(ndcg10(many), 1);  // the ideal has ten terms
}

TEST(JudgedMetricsTest, NoRightAnswerAtAllIsAnError) {
  const auto judged = judged_positions(torch::rand({2, 3}), Direction::kTextToVideo, {{{}, {}}, 3});
  EXPECT_EQ(judged.not_asked, 2);
  EXPECT_THAT([&] { summarise(judged, Ties::kOptimistic); }, ThrowsMessage<Error>(HasSubstr("nothing to evaluate")));
}

TEST(JudgedMetricsTest, ScoresThatAreNotNumbersAreRefusedWithTheirPlace) {
  auto scores = torch::rand({2, 3});
  scores[1][2] = NAN;
  const auto rank = [&] { judged_positions(scores, Direction::kVideoToText, {{{}, {}, {1}}, 2}); };
  EXPECT_THAT(rank, ThrowsMessage<Error>(HasSubstr("text 1 and video 2 is nan")));
  scores[1][2] = -std::numeric_limits<float>::infinity();
  EXPECT_THAT(rank, ThrowsMessage<Error>(HasSubstr("text 1 and video 2 is -inf")));
  EXPECT_THROW(judged_positions(scores, Direction::kTextToVideo, {{{}, {}}, 4}), Bug);
}

}  // namespace
}  // namespace glint::test
