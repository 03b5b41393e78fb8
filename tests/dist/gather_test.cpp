#include "glint/dist/gather.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "dist/ranks.h"

// N rows of this rank, D width.
namespace glint::test {
namespace {

torch::Tensor numbers(std::int64_t seed, at::IntArrayRef shape) {
  torch::manual_seed(seed);
  return torch::randn(shape, torch::kFloat64);
}

// Rank `rank`'s loss of everybody's rows: its own weights, and a product of rows, so that no gradient is a constant.
torch::Tensor loss_of(const torch::Tensor& rows, std::int64_t rank) {
  const auto weights = numbers(100 + rank, rows.sizes());
  return (rows * weights).tanh().sum() + (rows.select(0, 0) * rows.select(0, -1)).sum() * (rank + 1);
}

void expect_gradient_of_all_losses(Communicator& communicator) {
  const auto rank = communicator.rank(), ranks = communicator.ranks();
  const auto all = numbers(1, {ranks * 2, 3, 5});  // [ranks * N, 3, D]
  auto mine = all.narrow(0, rank * 2, 2).clone().requires_grad_();
  const auto gathered = gather_rows(communicator, mine * 2);
  EXPECT_TRUE(torch::equal(gathered, all * 2));
  loss_of(gathered, rank).backward();

  auto whole = all.clone().requires_grad_();
  auto sum = torch::zeros({}, torch::kFloat64);
  for (std::int64_t other = 0; other < ranks; ++other) sum = sum + loss_of(whole * 2, other);
  sum.backward();
  EXPECT_TRUE(torch::allclose(mine.grad(), whole.grad().narrow(0, rank * 2, 2), 1e-12, 1e-12));
}

TEST(GatherRowsTest, GradientIsThatOfTheSumOfAllRanksLosses) {
  EXPECT_EQ(run_communicators(2, [](auto communicator) { expect_gradient_of_all_losses(*communicator); }), well(2));
  EXPECT_EQ(run_communicators(3, [](auto communicator) { expect_gradient_of_all_losses(*communicator); }), well(3));
}

TEST(GatherRowsTest, SeveralGathersInOneGraphKeepTheirOrder) {
  const auto body = [](std::shared_ptr<Communicator> communicator) {
    const auto rank = communicator->rank();
    const auto all = numbers(2, {3 * 2, 4});
    auto text = all.narrow(0, rank * 2, 2).clone().requires_grad_();
    auto video = (all.narrow(0, rank * 2, 2) + 1).requires_grad_();
    const auto texts = gather_rows(*communicator, text);  // [3 * 2, 4]
    const auto videos = gather_rows(*communicator, video.t().t());
    const auto scale = sum_over_ranks(*communicator, text.sum());
    (loss_of(texts, rank) * 2 + loss_of(videos, rank) + (texts * videos).sum() * scale).backward();

    auto whole_text = all.clone().requires_grad_(), whole_video = (all + 1).requires_grad_();
    auto sum = (whole_text * whole_video).sum() * whole_text.sum() * 3;
    for (std::int64_t other = 0; other < 3; ++other)
      sum = sum + loss_of(whole_text, other) * 2 + loss_of(whole_video, other);
    sum.backward();
    EXPECT_TRUE(torch::allclose(text.grad(), whole_text.grad().narrow(0, rank * 2, 2), 1e-12, 1e-12));
    EXPECT_TRUE(torch::allclose(video.grad(), whole_video.grad().narrow(0, rank * 2, 2), 1e-12, 1e-12));
  };
  EXPECT_EQ(run_communicators(3, body), well(3));
}

TEST(SumOverRanksTest, IsTheSumAndLeavesItsInputAlone) {
  const auto body = [](std::shared_ptr<Communicator> communicator) {
    const auto mine = torch::full({2, 3}, communicator->rank() + 1.0);
    EXPECT_TRUE(torch::equal(sum_over_ranks(*communicator, mine), torch::full({2, 3}, 6.0)));
    EXPECT_TRUE(torch::equal(mine, torch::full({2, 3}, communicator->rank() + 1.0)));
  };
  EXPECT_EQ(run_communicators(3, body), well(3));
}

TEST(GatherRowsTest, OneRankGetsItsOwnTensorBack) {
  const auto communicator = Communicator::alone();
  const auto rows = torch::ones({2, 3}, torch::requires_grad());
  EXPECT_TRUE(gather_rows(*communicator, rows).is_same(rows));
  EXPECT_TRUE(sum_over_ranks(*communicator, rows).is_same(rows));
}

}  // namespace
}  // namespace glint::test
