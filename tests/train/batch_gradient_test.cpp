#include "glint/train/batch_gradient.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <map>
#include <string>

#include "glint/config/config_file.h"
#include "support/small_clip.h"

namespace glint::test {
namespace {

// B pairs, L words, T frames, R pixels; the last part of a batch is smaller than the others.
constexpr int64_t kPairs = 7, kPart = 3, kWords = 6, kFrames = 4;

std::vector<HeadConfig> heads() {
  GlsclConfig glscl;
  glscl.queries = 3;
  glscl.decoder_layers = 1;
  glscl.decoder_ffn = 24;
  GlcclConfig glccl;
  glccl.score_temperature = 0.05;  // kinder to float32 than the released 0.01
  return {MeanPoolConfig{}, glscl, glccl, XclipConfig{}, XpoolConfig{}, TightConfig{.layers = 2}};
}

std::shared_ptr<RetrievalModel> small_model(const HeadConfig& head, double dropout) {
  torch::manual_seed(5);
  ModelConfig model;
  model.dropout = dropout;
  model.temporal_layers = 1;
  auto sizes = small_clip_sizes();
  sizes.embed_dim = sizes.text_width;
  const FeatureShape shape = {.width = sizes.embed_dim, .max_words = kWords, .max_frames = kFrames};
  return std::make_shared<RetrievalModel>(model, head, sizes, shape);
}

Batch random_batch() {
  torch::manual_seed(6);
  Batch batch;
  batch.token_ids = torch::randint(1, 30, {kPairs, kWords}, torch::kInt64);
  batch.token_mask = (torch::arange(kWords) < 2 + torch::arange(kPairs).remainder(5).unsqueeze(1)).to(torch::kInt64);
  batch.frames = torch::randint(0, 256, {kPairs, kFrames, 3, 24, 24}, torch::kInt64).to(torch::kUInt8);
  batch.frame_mask = (torch::arange(kFrames) < 1 + torch::arange(kPairs).remainder(4).unsqueeze(1)).to(torch::kInt64);
  return batch;
}

struct Result {
  BatchLosses losses;
  std::map<std::string, torch::Tensor> gradients;
};

Result gradients(RetrievalModel& model, const TrainConfig& config, int64_t step = 3) {
  model.train();
  model.zero_grad(/*set_to_none=*/true);
  LapTimer timer;
  Result result = {BatchGradient(model, config).add(random_batch(), step, timer), {}};
  for (const auto& item : model.named_parameters()) {
    if (item.value().grad().defined()) result.gradients[item.key()] = item.value().grad().clone();
  }
  return result;
}

// Relative to the largest gradient of the model, in the root mean square of each tensor.
void expect_equal(const Result& result, const Result& expected, double tolerance) {
  EXPECT_NEAR(result.losses.loss, expected.losses.loss, tolerance);
  ASSERT_EQ(result.gradients.size(), expected.gradients.size());
  double scale = 0;
  for (const auto& [name, gradient] : expected.gradients) {
    scale = std::max(scale, gradient.abs().max().item<double>());
  }
  for (const auto& [name, gradient] : expected.gradients) {
    EXPECT_LT((result.gradients.at(name) - gradient).square().mean().sqrt().item<double>(), tolerance * scale) << name;
  }
}

TEST(BatchGradientTest, PartsOfABatchGiveTheGradientsOfAllAtOnce) {
  for (const auto& head : heads()) {
    SCOPED_TRACE(head_name(head));
    const auto model = small_model(head, /*dropout=*/0);
    const auto expected = gradients(*model, {});
    EXPECT_GT(expected.gradients.size(), 20U);
    expect_equal(gradients(*model, {.micro_batch = kPart}), expected, 1e-5);
    expect_equal(gradients(*model, {.micro_batch = 1}), expected, 1e-5);
  }
}

TEST(BatchGradientTest, ComputingBlocksAgainGivesTheSameGradients) {
  const auto model = small_model(heads()[1], /*dropout=*/-1);
  const auto expected = gradients(*model, {});
  expect_equal(gradients(*model, {.recompute = true}), expected, 1e-6);
  expect_equal(gradients(*model, {.micro_batch = kPairs}), expected, 1e-9);
}

TEST(BatchGradientTest, TheSecondPassOfAPartDropsWhatTheFirstDropped) {
  // Were it not so, the gradients would belong to other features than the loss: with a decoder that drops a third,
  // parts of one pair and of all pairs but one would be far from what differences of the loss say.
  const auto model = small_model(heads()[1], /*dropout=*/0.3);
  const TrainConfig config = {.micro_batch = kPart};
  auto weight = model->named_parameters()["head.spatial_queries"];  // shares its memory
  const auto result = gradients(*model, config);
  const auto direction = torch::randn_like(weight);
  const auto moved = [&](double by) {
    const torch::NoGradGuard no_grad;
    weight.add_(direction, by);
  };
  const double step = 2e-3;
  moved(step);
  const double above = gradients(*model, config).losses.loss;
  moved(-2 * step);
  const double below = gradients(*model, config).losses.loss;
  const double slope = (result.gradients.at("head.spatial_queries") * direction).sum().item<double>();
  EXPECT_NEAR((above - below) / (2 * step), slope, 0.02 * std::abs(slope) + 1e-3);
}

TEST(BatchGradientTest, DropoutDependsOnTheSeedAndTheStepAlone) {
  const auto model = small_model(heads()[1], /*dropout=*/0.3);
  const auto once = gradients(*model, {.micro_batch = kPart}, 3);
  torch::randn({17});
  EXPECT_EQ(gradients(*model, {.micro_batch = kPart}, 3).losses.loss, once.losses.loss);
  EXPECT_NE(gradients(*model, {.micro_batch = kPart}, 4).losses.loss, once.losses.loss);
}

TEST(BatchGradientTest, LowerPrecisionStaysNearAndLeavesFloat32Gradients) {
  const auto model = small_model(MeanPoolConfig{}, /*dropout=*/0);
  const auto expected = gradients(*model, {});
  const auto lower = gradients(*model, {.precision = "bf16"});
  EXPECT_NE(lower.losses.loss, expected.losses.loss);
  expect_equal(lower, expected, 0.05);
  for (const auto& [name, gradient] : lower.gradients) EXPECT_EQ(gradient.scalar_type(), torch::kFloat32) << name;
  expect_equal(gradients(*model, {.recompute = true, .precision = "bf16"}), lower, 1e-5);
}

}  // namespace
}  // namespace glint::test
