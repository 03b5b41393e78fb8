#include <gtest/gtest.h>
#include <torch/torch.h>

#include <set>
#include <sstream>
#include <string>

#include "dist/ranks.h"
#include "glint/core/error.h"
#include "train/gradient_case.h"
#include "train/scope_seeds.h"

// Batches that lie in several processes. Each compares what it got with the whole batch in itself alone.
namespace glint::test {
namespace {

constexpr int64_t kSharedPairs = 6;

Batch share_of(const Batch& batch, const Communicator& peers) {
  const auto own = kSharedPairs / peers.ranks(), begin = peers.rank() * own;
  Batch shard;
  shard.token_ids = batch.token_ids.narrow(0, begin, own);
  shard.token_mask = batch.token_mask.narrow(0, begin, own);
  shard.frames = batch.frames.narrow(0, begin, own);
  shard.frame_mask = batch.frame_mask.narrow(0, begin, own);
  return shard;
}

void expect_shards_add_up(const std::shared_ptr<Communicator>& peers, const HeadConfig& head,
                          const TrainConfig& config) {
  SCOPED_TRACE(head_name(head));
  torch::set_num_threads(1);
  const auto model = small_model(head, /*dropout=*/0);
  const auto batch = random_batch(kSharedPairs);
  const auto shared = gradients(*model, share_of(batch, *peers), config, {}, peers);
  expect_equal(shared, gradients(*model, batch, {.loss = config.loss}, {}, Communicator::alone()), 1e-5);
}

TEST(SharedGradientTest, TwoProcessesGetTheGradientsOfTheWholeBatch) {
  EXPECT_EQ(run_communicators(2,
                              [](const auto& peers) {
                                for (const auto& head : heads()) expect_shards_add_up(peers, head, {});
                              }),
            well(2));
}

TEST(SharedGradientTest, ThreeProcessesGetThemFromPartsComputedAgain) {
  EXPECT_EQ(run_communicators(3,
                              [](const auto& peers) {
                                for (const auto& head : heads())
                                  expect_shards_add_up(peers, head, {.micro_batch = 1, .recompute = true});
                              }),
            well(3));
}

TEST(SharedGradientTest, TheSigmoidLossIsSharedToo) {
  EXPECT_EQ(run_communicators(
                2, [](const auto& peers) { expect_shards_add_up(peers, MeanPoolConfig{}, {.loss = "sigmoid"}); }),
            well(2));
}

TEST(SharedGradientTest, TwoProcessesMeasureTheLossesOfTheWholeBatch) {
  EXPECT_EQ(run_communicators(2,
                              [](const auto& peers) {
                                torch::set_num_threads(1);
                                for (const auto& head : heads()) {
                                  SCOPED_TRACE(head_name(head));
                                  const auto model = small_model(head, /*dropout=*/0);
                                  const auto batch = random_batch(kSharedPairs);
                                  const auto whole = part_norms(*model, batch, {}, {}, Communicator::alone());
                                  const auto shard = share_of(batch, *peers);
                                  expect_equal(part_norms(*model, shard, {}, {}, peers), whole, 1e-4);
                                  expect_equal(part_norms(*model, shard, {.micro_batch = 2}, {}, peers), whole, 1e-4);
                                }
                              }),
            well(2));
}

TEST(SharedGradientTest, MeasuringTheLossesLeavesNoTraceInTheStepOfTwoProcesses) {
  EXPECT_EQ(run_communicators(2,
                              [](const auto& peers) {
                                torch::set_num_threads(1);
                                const auto model = small_model(heads()[1], /*dropout=*/0.3);
                                const auto shard = share_of(random_batch(kSharedPairs), *peers);
                                const auto plain = gradients(*model, shard, {}, {}, peers);
                                part_norms(*model, shard, {}, {}, peers);
                                expect_equal(gradients(*model, shard, {}, {}, peers), plain, 0);
                              }),
            well(2));
}

TEST(SharedGradientTest, AsReleasedTheTowersGetAShareOfTheGradientAndTheHeadAllOfIt) {
  EXPECT_EQ(
      run_communicators(
          2,
          [](const auto& peers) {
            torch::set_num_threads(1);
            const auto model = small_model(heads()[1], /*dropout=*/0);
            const auto shard = share_of(random_batch(kSharedPairs), *peers);
            const auto exact = gradients(*model, shard, {}, {}, peers);
            const auto released = gradients(*model, shard, {}, {.reference_gradients = true}, peers);
            const auto ratio = [&](const char* name) {
              return (released.gradients.at(name).norm() / exact.gradients.at(name).norm()).template item<double>();
            };
            EXPECT_NEAR(ratio("clip.text_projection"), 0.5, 1e-5);
            EXPECT_NEAR(ratio("temporal.frame_position_embeddings.weight"), 0.5, 1e-5);
            EXPECT_NEAR(ratio("clip.logit_scale"), 1, 1e-5);
            EXPECT_NEAR(ratio("head.spatial_queries"), 1, 1e-5);
          }),
      well(2));
}

TEST(SharedGradientTest, DropoutOfEachProcessIsTheSameAgain) {
  EXPECT_EQ(run_communicators(2,
                              [](const auto& peers) {
                                torch::set_num_threads(1);
                                const auto model = small_model(heads()[1], /*dropout=*/0.3);
                                // The same pairs on both: what they got apart is dropout.
                                const auto once = gradients(*model, random_batch(3), {}, {}, peers);
                                const auto again = gradients(*model, random_batch(3), {}, {}, peers);
                                EXPECT_EQ(once.losses.loss, again.losses.loss);
                              }),
            well(2));
}

TEST(SharedGradientTest, EveryPartOfEveryProcessDropsByASeedOfItsOwn) {
  EXPECT_EQ(run_communicators(3,
                              [](const auto& peers) {
                                torch::set_num_threads(1);
                                const auto model = small_model(heads()[1], /*dropout=*/0.3);
                                const ScopeSeeds scopes;
                                gradients(*model, random_batch(2), {.micro_batch = 1}, {}, peers);
                                std::string mine;
                                for (const auto* scope : {"text tower", "image tower"}) {
                                  for (const auto seed : ScopeSeeds::seeds().at(scope)) mine += concat(seed, "\n");
                                }
                                std::set<std::string> seeds;
                                for (const auto& text : peers->all_gather(mine)) {
                                  std::istringstream lines(text);
                                  for (std::string line; std::getline(lines, line);) seeds.insert(line);
                                }
                                EXPECT_EQ(seeds.size(), 3U * 2 * 2);  // processes, towers, parts
                              }),
            well(3));
}

}  // namespace
}  // namespace glint::test
