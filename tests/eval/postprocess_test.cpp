#include "glint/eval/postprocess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "glint/core/error.h"

namespace glint::test {
namespace {

TEST(DualSoftmaxTest, EveryScoreIsWeighedAgainstTheOtherQueries) {
  torch::manual_seed(2);
  const auto scores = torch::rand({5, 3});
  const auto result = dual_softmax(scores, 20);
  for (int64_t j = 0; j < 3; ++j) {
    double sum = 0;
    for (int64_t q = 0; q < 5; ++q) sum += std::exp(20 * scores[q][j].item<double>());
    for (int64_t i = 0; i < 5; ++i) {
      const double score = scores[i][j].item<double>();
      EXPECT_NEAR(result[i][j].item<double>(), score * std::exp(20 * score) / sum, 1e-6);
    }
  }
}

// The definition, in loops.
torch::Tensor literal_qb_norm(const torch::Tensor& scores, const torch::Tensor& train, double beta, int64_t k,
                              int64_t theta) {
  std::map<int64_t, int64_t> times;
  for (int64_t q = 0; q < train.size(0); ++q) {
    const auto order = train[q].argsort(/*dim=*/0, /*descending=*/true);
    for (int64_t i = 0; i < k; ++i) ++times[order[i].item<int64_t>()];
  }
  auto result = scores.to(torch::kFloat64).clone();
  for (int64_t i = 0; i < scores.size(0); ++i) {
    if (times[scores[i].argmax().item<int64_t>()] < theta) continue;
    for (int64_t j = 0; j < scores.size(1); ++j) {
      double sum = 0;
      for (int64_t q = 0; q < train.size(0); ++q) sum += std::exp(beta * train[q][j].item<double>());
      result[i][j] = std::exp(beta * scores[i][j].item<double>()) / sum;
    }
  }
  return result;
}

TEST(QbNormTest, ItIsTheDefinitionForEverySetting) {
  torch::manual_seed(4);
  const auto scores = torch::rand({11, 7}), train = torch::rand({20, 7});
  for (const auto& [k, theta] : std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {1, 3}, {2, 5}, {7, 20}, {1, 21}}) {
    const auto result = qb_norm(scores, train, 9, k, theta);
    EXPECT_TRUE(torch::allclose(result, literal_qb_norm(scores, train, 9, k, theta), 1e-9)) << k << " " << theta;
  }
  EXPECT_TRUE(torch::equal(qb_norm(scores, train, 9, 1, 21), scores.to(torch::kFloat64)));  // no hub, nothing changes
}

TEST(QbNormTest, LargeBetaDoesNotOverflow) {
  const auto scores = torch::tensor({{1.5f, 1.4f}}), train = torch::tensor({{1.5f, 1.3f}});
  const auto result = qb_norm(scores, train, 5000, 1, 1);
  EXPECT_TRUE(result.isfinite().all().item<bool>());
  EXPECT_GT(result[0][1].item<double>(), result[0][0].item<double>());
}

TEST(QbNormTest, MoreColumnsThanOneBlockAndASmallGalleryWork) {
  torch::manual_seed(5);
  const auto scores = torch::rand({3, 131}), train = torch::rand({6, 131});
  EXPECT_TRUE(torch::allclose(qb_norm(scores, train, 20, 100, 1), literal_qb_norm(scores, train, 20, 100, 1), 1e-9));
  EXPECT_NO_THROW(qb_norm(torch::rand({3, 2}), torch::rand({4, 2}), 20, /*k=*/10, 1));
}

TEST(QbNormTest, NoTrainingQueryIsAnError) {
  EXPECT_THAT(
      [] {
        qb_norm(torch::rand({3, 2}), torch::rand({0, 2}), 20, 1, 1);
      },
      testing::ThrowsMessage<Error>(testing::HasSubstr("training queries")));
}

}  // namespace
}  // namespace glint::test
