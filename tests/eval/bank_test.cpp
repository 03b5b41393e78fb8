#include "glint/eval/bank.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>
#include <utility>

#include "glint/core/error.h"

namespace glint::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

// M=53 queries, G=37 items: more than one strip of items, none of the shapes a multiple of another.
torch::Tensor some_bank(int64_t seed = 21) {
  torch::manual_seed(static_cast<uint64_t>(seed));
  return torch::randn({53, 37}) * 0.4;
}

// The bank's rows in another order.
torch::Tensor shuffled(const torch::Tensor& bank) {
  return bank.index_select(0, torch::randperm(bank.size(0)));
}

// Adds the bank in blocks of `block` queries.
template <class Accumulator>
void add_blocks(Accumulator& accumulator, const torch::Tensor& bank, int64_t block) {
  for (int64_t first = 0; first < bank.size(0); first += block) accumulator.add(bank.slice(0, first, first + block));
}

SoftmaxBias softmax_bias(const torch::Tensor& bank, double beta, int64_t block = 1000) {
  SoftmaxBias bias(bank.size(1), beta);
  add_blocks(bias, bank, block);
  return bias;
}

NearestMean nearest_mean(const torch::Tensor& bank, int64_t k, int64_t block = 1000) {
  NearestMean nearest(bank.size(1), k);
  add_blocks(nearest, bank, block);
  return nearest;
}

SinkhornScaling sinkhorn_scaling(const torch::Tensor& bank, double tau, int64_t rounds, int64_t block = 1000) {
  SinkhornScaling scaling(bank.size(1), tau);
  for (int64_t round = 0; round < rounds; ++round) {
    add_blocks(scaling, bank, block);
    scaling.end_round();
  }
  return scaling;
}

TEST(SoftmaxBiasTest, ItIsTheLogSumExpOfTheColumns) {
  const auto bank = some_bank();
  for (const double beta : {1.0, 20.0, 5000.0}) {
    const auto want = (bank.to(torch::kFloat64) * beta).logsumexp(0) / beta;
    EXPECT_TRUE(torch::allclose(softmax_bias(bank, beta).biases(), want, 1e-12, 1e-14)) << beta;
  }
}

TEST(SoftmaxBiasTest, BlocksChangeNothingAndTheOrderHardly) {
  const auto bank = some_bank();
  const auto whole = softmax_bias(bank, 20);
  EXPECT_EQ(whole.queries(), 53);
  for (const int64_t block : {1, 2, 7, 52}) {
    EXPECT_TRUE(torch::equal(softmax_bias(bank, 20, block).biases(), whole.biases())) << block;
  }
  EXPECT_TRUE(torch::allclose(softmax_bias(shuffled(bank), 20).biases(), whole.biases(), 0, 1e-14));
}

TEST(SoftmaxBiasTest, EqualItemsGetEqualBiasesWhereverTheyStand) {
  auto bank = some_bank();
  for (const int64_t item : {16, 31, 36}) bank.select(1, item).copy_(bank.select(1, 2));
  const auto biases = softmax_bias(bank, 100).biases();
  for (const int64_t item : {16, 31, 36}) EXPECT_EQ(biases[item].item<double>(), biases[2].item<double>());
}

TEST(SoftmaxBiasTest, WhatTheOthersAddIsKnownBelowTheLastDigit) {
  const auto bank = torch::tensor({{0.9f, 0.9f}, {0.1f, 0.2f}});
  const auto bias = softmax_bias(bank, 100);
  EXPECT_EQ(bias.biases()[0].item<double>(), bias.biases()[1].item<double>());  // as the published form: a tie
  EXPECT_NEAR(bias.rest()[0].item<double>() / (std::exp(-100 * (0.9f - 0.1f)) / 100), 1, 1e-5);
  EXPECT_LT(bias.rest()[0].item<double>(), bias.rest()[1].item<double>());
}

TEST(HubCounterTest, AnItemIsCountedOncePerQueryItIsBestFor) {
  const auto bank = torch::tensor({{1.f, 3.f, 2.f}, {5.f, 5.f, 1.f}, {0.f, 0.f, 9.f}});
  const auto hits = [&](int64_t k) {
    HubCounter counter(3, k);
    add_blocks(counter, bank, 2);
    return counter.hits();
  };
  EXPECT_TRUE(torch::equal(hits(1), torch::tensor({1, 1, 1}, torch::kInt64)));  // the tie goes to the lower index
  EXPECT_TRUE(torch::equal(hits(2), torch::tensor({2, 2, 2}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(hits(10), torch::tensor({3, 3, 3}, torch::kInt64)));
}

TEST(NearestMeanTest, ItIsTheMeanOfTheLargestWhateverBlocksAndOrder) {
  const auto bank = some_bank();
  for (const int64_t k : {1, 5, 53}) {
    const auto want = std::get<0>(bank.to(torch::kFloat64).topk(k, 0)).mean(0);
    const auto means = nearest_mean(bank, k).means();
    EXPECT_TRUE(torch::allclose(means, want, 1e-13, 1e-14)) << k;
    EXPECT_TRUE(torch::equal(nearest_mean(bank, k, 3).means(), means)) << k;
    EXPECT_TRUE(torch::equal(nearest_mean(shuffled(bank), k, 10).means(), means)) << k;
  }
}

TEST(NearestMeanTest, ABankSmallerThanKIsRefused) {
  EXPECT_THAT([] { nearest_mean(some_bank(), 54).means(); },
              ThrowsMessage<Error>(AllOf(HasSubstr("eval.postprocess"), HasSubstr("54 largest"),
                                         HasSubstr("its bank has 53 queries"), HasSubstr("too small"))));
}

// Sinkhorn as published, in products.
std::pair<torch::Tensor, torch::Tensor> literal_sinkhorn(const torch::Tensor& bank, double tau, int64_t rounds) {
  const auto kernel = ((bank.to(torch::kFloat64) - 1) / tau).exp().t();  // [G, M]
  auto u = torch::full({kernel.size(0)}, 1.0 / static_cast<double>(kernel.size(0)), torch::kFloat64);
  torch::Tensor v;
  for (int64_t round = 0; round < rounds; ++round) {
    v = 1.0 / static_cast<double>(kernel.size(1)) / kernel.t().mv(u);
    u = 1.0 / static_cast<double>(kernel.size(0)) / kernel.mv(v);
  }
  return {u.log() * -tau, v.log() * -tau};
}

TEST(SinkhornScalingTest, ItIsThePublishedIteration) {
  const auto bank = some_bank();
  for (const int64_t rounds : {1, 5}) {
    const auto scaling = sinkhorn_scaling(bank, 0.1, rounds);
    const auto [items, queries] = literal_sinkhorn(bank, 0.1, rounds);
    EXPECT_TRUE(torch::allclose(scaling.item_biases(), items, 1e-11, 1e-12)) << rounds;
    EXPECT_TRUE(torch::allclose(scaling.query_biases(), queries, 1e-11, 1e-12)) << rounds;
  }
}

TEST(SinkhornScalingTest, BlocksChangeNothingAndTheOrderHardly) {
  const auto bank = some_bank();
  const auto whole = sinkhorn_scaling(bank, 0.01, 10);
  EXPECT_TRUE(whole.item_biases().isfinite().all().item<bool>());
  EXPECT_TRUE(torch::equal(sinkhorn_scaling(bank, 0.01, 10, 6).item_biases(), whole.item_biases()));
  EXPECT_TRUE(torch::equal(sinkhorn_scaling(bank, 0.01, 10, 6).query_biases(), whole.query_biases()));
  EXPECT_TRUE(torch::allclose(sinkhorn_scaling(shuffled(bank), 0.01, 10).item_biases(), whole.item_biases(), 0, 1e-12));
}

TEST(SinkhornScalingTest, AStartIsTheLogarithmOfU) {
  const auto bank = some_bank();
  SinkhornScaling uniform(37, 0.1), given(37, 0.1, torch::full({37}, -std::log(37.0)));
  for (auto* scaling : {&uniform, &given}) {
    scaling->add(bank);
    scaling->end_round();
  }
  EXPECT_TRUE(torch::allclose(uniform.item_biases(), given.item_biases(), 1e-6, 1e-6));
  EXPECT_THROW(given.end_round(), Bug);  // no query in this round
}

TEST(BankTest, AScoreThatIsNotFiniteIsRefused) {
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    auto bank = some_bank();
    bank[5][7] = bad;
    const auto refusal = ThrowsMessage<Error>(AllOf(HasSubstr("bank"), HasSubstr("diverged")));
    EXPECT_THAT([&] { softmax_bias(bank, 20); }, refusal);
    EXPECT_THAT([&] { nearest_mean(bank, 3); }, refusal);
    EXPECT_THAT([&] { sinkhorn_scaling(bank, 0.01, 1); }, refusal);
    EXPECT_THAT([&] { HubCounter(37, 1).add(bank); }, refusal);
  }
  EXPECT_THROW(softmax_bias(some_bank(), 20).add(torch::zeros({2, 36})), Bug);
}

}  // namespace
}  // namespace glint::test
