#include "train/selection.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "glint/config/train_config.h"

namespace glint::test {
namespace {

RetrievalMetrics some_metrics(double first) {
  RetrievalMetrics metrics;
  metrics.r1 = first;
  metrics.r5 = first + 1;
  metrics.r10 = first + 2;
  metrics.r50 = first + 3;
  metrics.rsum = first + 4;
  metrics.median_rank = first + 5;
  metrics.mean_rank = first + 6;
  metrics.mrr = first + 7;
  metrics.ndcg10 = first + 8;
  return metrics;
}

TEST(SelectionTest, EveryMetricThatTheSettingAllowsIsAnotherOne) {
  const auto t2v = some_metrics(10), v2t = some_metrics(30);
  std::set<double> values;
  for (const auto metric : selection_metrics()) values.insert(selected_metric(t2v, v2t, std::string(metric)));
  EXPECT_EQ(values.size(), selection_metrics().size());
  EXPECT_EQ(selected_metric(t2v, v2t, "t2v/R@1"), 10);
  EXPECT_EQ(selected_metric(t2v, v2t, "v2t/MnR"), 36);
  EXPECT_EQ(selected_metric(t2v, v2t, "v2t/RSum"), 34);
  EXPECT_EQ(selected_metric(t2v, v2t, "RSum"), 14 + 34);
}

TEST(SelectionTest, OfRanksTheSmallerIsBetterAndAnythingIsBetterThanNothing) {
  EXPECT_TRUE(is_better(5, 4, "t2v/R@1"));
  EXPECT_FALSE(is_better(4, 4, "t2v/R@1"));
  for (const std::string rank : {"t2v/MdR", "v2t/MnR"}) {
    EXPECT_TRUE(is_better(4, 5, rank)) << rank;
    EXPECT_FALSE(is_better(5, 5, rank)) << rank;
    EXPECT_FALSE(is_better(6, 5, rank)) << rank;
    EXPECT_TRUE(is_better(99, -1, rank)) << rank;
  }
  EXPECT_TRUE(is_better(0, -1, "RSum"));
}

}  // namespace
}  // namespace glint::test
