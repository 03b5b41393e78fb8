#include "glint/model/losses.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

namespace glint {
namespace {

double nce(const torch::Tensor& logits) {
  double sum = 0;
  const auto B = logits.size(0);
  for (int64_t i = 0; i < B; ++i) {
    const auto own = logits[i][i].item<double>();
    sum += own - logits[i].logsumexp(0).item<double>() + own - logits.select(1, i).logsumexp(0).item<double>();
  }
  return -sum / static_cast<double>(2 * B);
}

double pairwise_sigmoid(const torch::Tensor& logits) {
  double sum = 0;
  const auto B = logits.size(0);
  for (int64_t i = 0; i < B; ++i) {
    for (int64_t j = 0; j < B; ++j) sum += std::log1p(std::exp((i == j ? -1 : 1) * logits[i][j].item<double>()));
  }
  return sum / static_cast<double>(B);
}

TEST(LossesTest, TheContrastiveLossIsTheMeanOfBothCrossEntropies) {
  torch::manual_seed(1);
  const auto logits = 3 * torch::randn({5, 5});
  EXPECT_NEAR(contrastive_loss(logits).item<double>(), nce(logits), 1e-5);
}

TEST(LossesTest, TheSigmoidLossAsksOfEveryPairWhetherItMatches) {
  torch::manual_seed(2);
  const auto logits = 3 * torch::randn({4, 4});
  EXPECT_NEAR(sigmoid_loss(logits).item<double>(), pairwise_sigmoid(logits), 1e-5);
}

TEST(LossesTest, ShardsOfUnequalSizeAddUpToTheWhole) {
  torch::manual_seed(3);
  const auto logits = 3 * torch::randn({6, 6});
  double nce_sum = 0, sigmoid_sum = 0;
  int64_t begin = 0;
  for (const int64_t end : {1, 4, 6}) {
    const ShardLogits share = {logits.slice(0, begin, end), logits.slice(1, begin, end), begin};
    nce_sum += contrastive_loss(share).item<double>();
    sigmoid_sum += sigmoid_loss(share).item<double>();
    begin = end;
  }
  EXPECT_NEAR(nce_sum, nce(logits), 1e-5);
  EXPECT_NEAR(sigmoid_sum, pairwise_sigmoid(logits), 1e-5);
}

}  // namespace
}  // namespace glint
