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

}  // namespace
}  // namespace glint::test
