#include "glint/train/batch_gradient.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "glint/dist/communicator.h"
#include "train/gradient_case.h"
#include "train/scope_seeds.h"

namespace glint::test {
namespace {

constexpr int64_t kBatchPairs = 7, kBatchPart = 3;  // the last part of a batch is smaller than the others

Result part_gradients(RetrievalModel& model, const TrainConfig& config, int64_t step = 3) {
  torch::set_num_threads(1);
  return test::gradients(model, random_batch(kBatchPairs), config, {}, Communicator::alone(), step);
}

TEST(BatchGradientTest, PartsOfABatchGiveTheGradientsOfAllAtOnce) {
  for (const auto& head : heads()) {
    SCOPED_TRACE(head_name(head));
    const auto model = small_model(head, /*dropout=*/0);
    const auto expected = part_gradients(*model, {});
    EXPECT_GT(expected.gradients.size(), 20U);
    expect_equal(part_gradients(*model, {.micro_batch = kBatchPart}), expected, 1e-5);
    expect_equal(part_gradients(*model, {.micro_batch = 1}), expected, 1e-5);
  }
}

TEST(BatchGradientTest, ComputingBlocksAgainGivesTheSameGradients) {
  const auto model = small_model(heads()[1], /*dropout=*/-1);
  const auto expected = part_gradients(*model, {});
  expect_equal(part_gradients(*model, {.recompute = true}), expected, 1e-6);
  expect_equal(part_gradients(*model, {.micro_batch = kBatchPairs}), expected, 1e-9);
}

TEST(BatchGradientTest, TheSecondPassOfAPartDropsWhatTheFirstDropped) {
  // Were it not so, the gradients would belong to other features than the loss: with a decoder that drops a third,
  // parts of one pair and of all pairs but one would be far from what differences of the loss say.
  const auto model = small_model(heads()[1], /*dropout=*/0.3);
  const TrainConfig config = {.micro_batch = kBatchPart};
  auto weight = model->named_parameters()["head.spatial_queries"];  // shares its memory
  const auto result = part_gradients(*model, config);
  const auto direction = torch::randn_like(weight);
  const auto moved = [&](double by) {
    const torch::NoGradGuard no_grad;
    weight.add_(direction, by);
  };
  const double step = 2e-3;
  moved(step);
  const double above = part_gradients(*model, config).losses.loss;
  moved(-2 * step);
  const double below = part_gradients(*model, config).losses.loss;
  const double slope = (result.gradients.at("head.spatial_queries") * direction).sum().item<double>();
  EXPECT_NEAR((above - below) / (2 * step), slope, 0.02 * std::abs(slope) + 1e-3);
}

TEST(BatchGradientTest, DropoutDependsOnTheSeedAndTheStepAlone) {
  const auto model = small_model(heads()[1], /*dropout=*/0.3);
  const auto once = part_gradients(*model, {.micro_batch = kBatchPart}, 3);
  torch::randn({17});
  EXPECT_EQ(part_gradients(*model, {.micro_batch = kBatchPart}, 3).losses.loss, once.losses.loss);
  EXPECT_NE(part_gradients(*model, {.micro_batch = kBatchPart}, 4).losses.loss, once.losses.loss);
}

TEST(BatchGradientTest, EveryPartOfEachTowerAndTheScoringHaveASeedOfTheirOwnInBothPasses) {
  const auto model = small_model(heads()[1], /*dropout=*/0.3);
  const ScopeSeeds scopes;
  part_gradients(*model, {.micro_batch = kBatchPart});
  const auto seeds = ScopeSeeds::seeds();
  const std::size_t parts = (kBatchPairs + kBatchPart - 1) / kBatchPart;
  EXPECT_EQ(seeds.at("text tower").size(), parts);  // the second pass has those of the first
  EXPECT_EQ(seeds.at("image tower").size(), parts);
  EXPECT_EQ(seeds.at("head").size(), 1U);
  auto all = seeds.at("text tower");
  for (const auto* scope : {"image tower", "head"}) all.insert(seeds.at(scope).begin(), seeds.at(scope).end());
  EXPECT_EQ(all.size(), 2 * parts + 1);
}

TEST(BatchGradientTest, LowerPrecisionStaysNearAndLeavesFloat32Gradients) {
  const auto model = small_model(MeanPoolConfig{}, /*dropout=*/0);
  const auto expected = part_gradients(*model, {});
  const auto lower = part_gradients(*model, {.precision = "bf16"});
  EXPECT_NE(lower.losses.loss, expected.losses.loss);
  expect_equal(lower, expected, 0.05);
  for (const auto& [name, gradient] : lower.gradients) EXPECT_EQ(gradient.scalar_type(), torch::kFloat32) << name;
  expect_equal(part_gradients(*model, {.recompute = true, .precision = "bf16"}), lower, 1e-5);
}

TEST(BatchGradientTest, HalfPrecisionGivesScaledGradientsOfTheSameLoss) {
  const auto model = small_model(MeanPoolConfig{}, /*dropout=*/0);
  const auto expected = part_gradients(*model, {});
  NamedParameters parameters;
  for (const auto& item : model->named_parameters()) parameters.emplace_back(item.key(), item.value());
  for (const int64_t micro_batch : {int64_t{0}, kBatchPart}) {
    model->zero_grad(/*set_to_none=*/true);
    BatchGradient gradient(*model, parameters, {.micro_batch = micro_batch, .precision = "fp16"}, {},
                           Communicator::alone());
    LapTimer timer;
    constexpr double kScale = 1024;
    Result half = {gradient.compute(random_batch(kBatchPairs), 3, timer, kScale), {}};
    for (const auto& [name, parameter] : parameters) {
      if (parameter.grad().defined()) half.gradients[name] = parameter.grad() / kScale;
    }
    EXPECT_NE(half.losses.loss, expected.losses.loss);
    expect_equal(half, expected, 0.01);
  }
}

TEST(BatchGradientTest, AClipWithoutAFrameIsANumberInHalfPrecision) {
  const auto model = small_model(MeanPoolConfig{}, /*dropout=*/0);
  auto batch = random_batch(kBatchPairs);
  batch.frame_mask[2].zero_();
  const auto result = test::gradients(*model, batch, {.precision = "fp16"}, {}, Communicator::alone());
  EXPECT_TRUE(std::isfinite(result.losses.loss));
  for (const auto& [name, gradient] : result.gradients) EXPECT_TRUE(gradient.isfinite().all().item<bool>()) << name;
}

}  // namespace
}  // namespace glint::test
