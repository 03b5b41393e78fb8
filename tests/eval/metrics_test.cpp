#include "glint/eval/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>

#include "glint/core/error.h"

namespace glint::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

torch::Tensor ids(std::vector<int64_t> values) {
  return torch::tensor(values, torch::kInt64);
}

// Rank of `own` among `scores`, which hold it, by sorting: the mean place of its equals, or the best.
double sorted_rank(std::vector<double> scores, double own, Ties ties) {
  std::sort(scores.begin(), scores.end(), std::greater<>());
  const auto first = std::find(scores.begin(), scores.end(), own) - scores.begin();
  const auto equal = std::count(scores.begin(), scores.end(), own);
  return static_cast<double>(first) + (ties == Ties::kAverage ? static_cast<double>(equal - 1) / 2 : 0.0);
}

std::vector<double> judged_text_ranks(const torch::Tensor& scores, const torch::Tensor& owner, Ties ties) {
  std::vector<double> ranks;
  for (int64_t a = 0; a < scores.size(0); ++a) {
    std::vector<double> row;
    for (int64_t b = 0; b < scores.size(1); ++b) row.push_back(scores[a][b].item<double>());
    ranks.push_back(sorted_rank(row, row[static_cast<std::size_t>(owner[a].item<int64_t>())], ties));
  }
  return ranks;
}

std::vector<double> judged_video_ranks(const torch::Tensor& scores, const torch::Tensor& owner, Ties ties) {
  std::vector<double> ranks;
  for (int64_t b = 0; b < scores.size(1); ++b) {
    std::vector<double> best;
    double own = NAN;
    for (int64_t u = 0; u < scores.size(1); ++u) {
      const auto mine = (owner == u).nonzero().flatten();
      if (mine.numel() == 0) continue;
      best.push_back(scores.index_select(0, mine).select(1, b).max().item<double>());
      if (u == b) own = best.back();
    }
    if (!std::isnan(own)) ranks.push_back(sorted_rank(best, own, ties));
  }
  return ranks;
}

TEST(MetricsTest, RanksAreThoseOfABruteForceSortWhateverTheTies) {
  torch::manual_seed(11);
  struct Shape {
    int64_t texts, videos, levels;
  };
  for (const auto& [texts, videos, levels] : {Shape{1, 1, 2}, {9, 4, 3}, {5, 13, 2}, {30, 70, 5}, {41, 129, 1000}}) {
    for (const auto type : {torch::kFloat32, torch::kFloat64, torch::kFloat16}) {
      const auto scores = (torch::randint(levels, {texts, videos}) / 7.0 - 0.3).to(type);
      const auto owner = torch::randint(videos, {texts}, torch::kInt64);
      for (const auto ties : {Ties::kOptimistic, Ties::kAverage}) {
        EXPECT_EQ(text_to_video_ranks(scores, owner, ties), judged_text_ranks(scores, owner, ties)) << scores.sizes();
        EXPECT_EQ(video_to_text_ranks(scores, owner, ties), judged_video_ranks(scores, owner, ties)) << scores.sizes();
      }
      const auto strided = scores.t().contiguous().t();
      EXPECT_EQ(video_to_text_ranks(strided, owner, Ties::kAverage),
                video_to_text_ranks(scores, owner, Ties::kAverage));
    }
  }
}

TEST(MetricsTest, TiesCountForTheBestOrTheMiddlePlace) {
  const auto scores = torch::zeros({3, 3});
  EXPECT_THAT(text_to_video_ranks(scores, ids({0, 1, 2}), Ties::kOptimistic), ElementsAre(0, 0, 0));
  EXPECT_THAT(video_to_text_ranks(scores, ids({0, 1, 2}), Ties::kAverage), ElementsAre(1, 1, 1));
}

TEST(MetricsTest, AVideoIsRankedByTheBestCaptionOfEveryVideo) {
  // Captions 0, 1 belong to video 0, caption 2 to video 1, none to video 2.
  const auto scores = torch::tensor({{0.1f, 0.9f, 0.5f}, {0.4f, 0.2f, 0.6f}, {0.5f, 0.3f, 0.7f}});
  EXPECT_THAT(video_to_text_ranks(scores, ids({0, 0, 1}), Ties::kOptimistic), ElementsAre(1, 1));
  EXPECT_THAT(text_to_video_ranks(scores, ids({0, 0, 1}), Ties::kOptimistic), ElementsAre(2, 1, 2));
}

TEST(MetricsTest, ScoresThatAreNotNumbersAreRefusedWithTheirPlace) {
  const auto refused = [](const torch::Tensor& scores, const std::string& place) {
    const auto sentence = ThrowsMessage<Error>(AllOf(HasSubstr(place), HasSubstr("diverged")));
    EXPECT_THAT([&] { text_to_video_ranks(scores, ids({0, 1, 2}), Ties::kOptimistic); }, sentence);
    EXPECT_THAT([&] { video_to_text_ranks(scores, ids({0, 1, 2}), Ties::kAverage); }, sentence);
  };
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity}) {
    auto scores = torch::rand({3, 4});
    scores[1][1] = bad;
    refused(scores, "text 1 and video 1");
  }
  auto scores = torch::rand({3, 4});
  scores[2][3] = std::numeric_limits<float>::quiet_NaN();
  refused(scores, "text 2 and video 3 is nan");
  scores[2][3] = -kInfinity;  // a wrong answer may be ruled out
  scores[2][0] = kInfinity;   // or stand above all
  EXPECT_GE(text_to_video_ranks(scores, ids({0, 1, 2}), Ties::kOptimistic)[2], 1);
}

TEST(MetricsTest, AnOwnerThatIsNoVideoIsOurBug) {
  EXPECT_THROW(text_to_video_ranks(torch::rand({2, 3}), ids({0, 3}), Ties::kOptimistic), Bug);
  EXPECT_THROW(video_to_text_ranks(torch::rand({2, 3}), ids({0, -1}), Ties::kOptimistic), Bug);
  EXPECT_THROW(video_to_text_ranks(torch::rand({2, 3}), ids({0}), Ties::kOptimistic), Bug);
}

TEST(MetricsTest, ASummaryCountsInPercentAndFromOne) {
  const auto even = summarise({0, 3, 9, 40});
  EXPECT_EQ(even.r1, 25);
  EXPECT_EQ(even.r5, 50);
  EXPECT_EQ(even.r10, 75);
  EXPECT_EQ(even.median_rank, 7);
  EXPECT_EQ(even.mean_rank, 14);
  EXPECT_EQ(even.queries, 4);
  EXPECT_EQ(summarise({8, 1, 2}).median_rank, 3);
  EXPECT_THAT([] { summarise({}); }, ThrowsMessage<Error>(HasSubstr("nothing to evaluate")));
}

// The definition of both forms, in loops. -> the numbers of captions of other videos above and equal to the best own
// one
std::pair<int64_t, int64_t> judged_caption_rank(const torch::Tensor& scores, const torch::Tensor& owner,
                                                int64_t video) {
  const auto column = scores.select(1, video);
  const auto own = column.index({owner == video}).max();
  const auto others = column.index({owner != video});
  return {(others > own).sum().item<int64_t>(), (others == own).sum().item<int64_t>()};
}

TEST(MetricsTest, AVideoMayBeRankedAmongSingleCaptions) {
  torch::manual_seed(12);
  const auto scores = torch::randint(6, {40, 9}).to(torch::kFloat32);
  const auto owner = torch::randint(8, {40}, torch::kInt64);  // video 8 has none
  const auto ranks = v2t_ranks(scores, owner, CaptionRanks::kCaptions);
  for (std::size_t i = 0; i < ranks.queries.size(); ++i) {
    const auto [larger, equal] = judged_caption_rank(scores, owner, ranks.queries[i]);
    EXPECT_EQ(ranks.rank[i], larger);
    EXPECT_EQ(ranks.rank_average[i], static_cast<double>(larger) + static_cast<double>(equal) / 2);
  }
  EXPECT_THAT(ranks.queries, testing::Each(testing::Ne(8)));
  const auto groups = v2t_ranks(scores, owner, CaptionRanks::kGroups);
  EXPECT_EQ(summarise(groups.rank).r1, summarise(ranks.rank).r1);  // rank 0 is the same in both
  EXPECT_GT(summarise(ranks.rank).mean_rank, summarise(groups.rank).mean_rank);
}

TEST(MetricsTest, QueriesWithATieAreCounted) {
  const auto scores = torch::tensor({{2.f, 2.f, 1.f}, {0.f, 3.f, 3.f}, {5.f, 1.f, 4.f}});
  const auto ranks = t2v_ranks(scores, ids({0, 1, 2}));
  EXPECT_THAT(ranks.queries, ElementsAre(0, 1, 2));
  EXPECT_THAT(ranks.rank, ElementsAre(0, 0, 1));
  EXPECT_THAT(ranks.rank_average, ElementsAre(0.5, 0.5, 1));
  EXPECT_EQ(summarise(ranks, Ties::kOptimistic).tied, 2);
  EXPECT_EQ(summarise(ranks, Ties::kAverage).tied, 2);
  EXPECT_EQ(v2t_ranks(scores, ids({0, 1, 2}), CaptionRanks::kGroups).tied(), 0);
  EXPECT_EQ(v2t_ranks(scores, ids({0, 0, 1}), CaptionRanks::kCaptions).tied(),
            0);  // equal captions of its own are right
}

TEST(MetricsTest, ATransformRanksBlocksAsItRanksTheWhole) {
  torch::manual_seed(13);
  const auto scores = torch::randn({700, 530});  // several blocks
  const auto owner = torch::randint(530, {700}, torch::kInt64);
  const auto text_bias = torch::randn({700}, torch::kFloat64), video_bias = torch::randn({530}, torch::kFloat64);
  const auto minus = [](const torch::Tensor& biases) {
    return [biases](const torch::Tensor& rows, int64_t) { return rows.to(torch::kFloat64) - biases; };
  };
  const auto t2v = t2v_ranks(scores, owner, minus(video_bias));
  EXPECT_EQ(t2v.rank, t2v_ranks(scores.to(torch::kFloat64) - video_bias, owner).rank);
  for (const auto among : {CaptionRanks::kGroups, CaptionRanks::kCaptions}) {
    EXPECT_EQ(v2t_ranks(scores, owner, among, minus(text_bias)).rank,
              v2t_ranks(scores.to(torch::kFloat64) - text_bias.unsqueeze(1), owner, among).rank);
  }
  const auto rows_seen = [](const torch::Tensor& rows, int64_t first) {
    return (rows.to(torch::kFloat64) * 0).add_(torch::arange(first, first + rows.size(0)).unsqueeze(1));
  };
  const auto best = best_items(scores, Direction::kVideoToText, 2, rows_seen);
  EXPECT_TRUE(torch::equal(best.scores.select(1, 0), torch::arange(530).to(torch::kFloat64)));
}

TEST(MetricsTest, TheBestItemsStandInOrderAndTiesByIndex) {
  const auto scores = torch::tensor({{1.f, 3.f, 3.f, 2.f}, {0.f, 0.f, 0.f, 0.f}, {-1.f, 5.f, 2.f, 7.f}});
  const auto videos = best_items(scores, Direction::kTextToVideo, 3);
  EXPECT_TRUE(torch::equal(videos.items, torch::tensor({{1, 2, 3}, {0, 1, 2}, {3, 1, 2}}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(videos.scores, torch::tensor({{3., 3., 2.}, {0., 0., 0.}, {7., 5., 2.}}, torch::kFloat64)));
  const auto texts = best_items(scores, Direction::kVideoToText, 10);  // three texts only
  EXPECT_TRUE(torch::equal(texts.items, torch::tensor({{0, 1, 2}, {2, 0, 1}, {0, 2, 1}, {2, 0, 1}}, torch::kInt64)));
}

TEST(MetricsTest, TheBestItemsOfManyAreThoseOfASort) {
  torch::manual_seed(14);
  const auto scores = torch::randint(40, {500, 600}).to(torch::kFloat32);
  const auto want = std::get<1>(scores.sort(/*stable=*/true, /*dim=*/1, /*descending=*/true)).slice(1, 0, 10);
  EXPECT_TRUE(torch::equal(best_items(scores, Direction::kTextToVideo, 10).items, want));
  const auto bad = [&] {
    auto broken = scores.clone();
    broken[7][3] = NAN;
    best_items(broken, Direction::kVideoToText, 10);
  };
  EXPECT_THAT(bad, ThrowsMessage<Error>(HasSubstr("text 7 and video 3 is nan")));
}

TEST(MetricsTest, ASummaryHasTheSumOfRecallsAndTheReciprocals) {
  const auto metrics = summarise({0, 3, 9, 40, 60});
  EXPECT_EQ(metrics.r50, 80);
  EXPECT_EQ(metrics.rsum, 20 + 40 + 60);
  EXPECT_DOUBLE_EQ(metrics.mrr, (1 + 1.0 / 4 + 1.0 / 10 + 1.0 / 41 + 1.0 / 61) / 5);
  EXPECT_DOUBLE_EQ(metrics.ndcg10, (1 + 1 / std::log2(5.0) + 1 / std::log2(11.0)) / 5);
  EXPECT_EQ(metrics.tied, 0);
}

}  // namespace
}  // namespace glint::test
