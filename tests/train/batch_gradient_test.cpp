#include "glint/train/batch_gradient.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "glint/dist/communicator.h"
#include "glint/model/losses.h"
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

// The gradients of the parts of the loss of all pairs, each by a backward pass through one graph that is written out
// here; of its weights by name. Without dropout.
std::vector<std::pair<std::string, std::map<std::string, torch::Tensor>>> parts_by_hand(RetrievalModel& model,
                                                                                        const Batch& batch) {
  model.train();
  const auto text = model.encode_text(batch.token_ids, batch.token_mask);
  const auto video = model.encode_video(batch.frames, batch.frame_mask);
  std::vector<std::pair<std::string, std::map<std::string, torch::Tensor>>> parts;
  for (std::size_t part = 0, count = 1; part < count; ++part) {
    // The whole head again: what it computes may be differentiated once.
    const auto output = model.head().score_pairs(text, video);
    count = 1 + output.aux.size();
    const auto loss = part == 0 ? contrastive_loss(model.logits(output.scores)) : output.aux[part - 1].value;
    model.zero_grad(/*set_to_none=*/true);
    loss.backward({}, /*retain_graph=*/true);
    parts.emplace_back(part == 0 ? "nce" : output.aux[part - 1].name, std::map<std::string, torch::Tensor>());
    for (const auto& item : model.named_parameters()) {
      if (item->grad().defined()) parts.back().second[item.key()] = item->grad().clone();
    }
  }
  return parts;
}

double norm_of(const std::map<std::string, torch::Tensor>& gradients) {
  double squares = 0;
  for (const auto& [name, gradient] : gradients) squares += gradient.to(torch::kFloat64).square().sum().item<double>();
  return std::sqrt(squares);
}

TEST(BatchGradientTest, TheNormOfEachLossIsThatOfABackwardPassOfItsOwnAndTheirGradientsAddUp) {
  std::size_t with_own_losses = 0;
  for (const auto& head : heads()) {
    SCOPED_TRACE(head_name(head));
    const auto model = small_model(head, /*dropout=*/0);
    const auto batch = random_batch(kBatchPairs);
    const auto parts = parts_by_hand(*model, batch);
    Result sum = {part_gradients(*model, {}).losses, {}};
    std::vector<std::pair<std::string, double>> norms;
    for (const auto& [name, gradients] : parts) {
      norms.emplace_back(name, norm_of(gradients));
      for (const auto& [weight, gradient] : gradients) {
        auto& total = sum.gradients[weight];
        total = total.defined() ? total + gradient : gradient;
      }
    }
    with_own_losses += norms.size() > 1 ? 1 : 0;
    expect_equal(sum, part_gradients(*model, {}), 1e-5);
    expect_equal(part_norms(*model, batch, {}, {}, Communicator::alone()), norms, 1e-4);
    expect_equal(part_norms(*model, batch, {.micro_batch = kBatchPart, .recompute = true}, {}, Communicator::alone()),
                 norms, 1e-4);
  }
  EXPECT_EQ(with_own_losses, 2U);  // GLSCL and GLCCL
}

TEST(BatchGradientTest, ALossThatNothingTrainedIsPartOfHasTheNormZero) {
  for (const auto& head : heads()) {
    if (head_name(head) != "glscl") continue;
    const auto model = small_model(head, /*dropout=*/0);
    for (const auto& item : model->named_parameters()) item->set_requires_grad(item.key() == "clip.logit_scale");
    for (const int64_t micro_batch : {int64_t{0}, kBatchPart}) {
      const auto norms =
          part_norms(*model, random_batch(kBatchPairs), {.micro_batch = micro_batch}, {}, Communicator::alone());
      ASSERT_EQ(norms.size(), 3U);
      EXPECT_GT(norms[0].second, 0);
      EXPECT_EQ(norms[1].second, 0);
      EXPECT_EQ(norms[2].second, 0);
    }
  }
}

TEST(BatchGradientTest, TheNormsOfLossesAreNotScaledWithTheLossInHalfPrecision) {
  const auto model = small_model(heads()[1], /*dropout=*/0);
  const auto batch = random_batch(kBatchPairs);
  const TrainConfig half = {.precision = "fp16"};
  expect_equal(part_norms(*model, batch, half, {}, Communicator::alone(), /*loss_scale=*/1024),
               part_norms(*model, batch, {}, {}, Communicator::alone()), 0.05);
}

TEST(BatchGradientTest, MeasuringTheLossesLeavesNoTraceInTheStep) {
  for (const int64_t micro_batch : {int64_t{0}, kBatchPart}) {
    const auto model = small_model(heads()[1], /*dropout=*/0.3);
    NamedParameters parameters;
    for (const auto& item : model->named_parameters()) parameters.emplace_back(item.key(), item.value());
    torch::set_num_threads(1);
    BatchGradient gradient(*model, parameters, {.micro_batch = micro_batch}, {}, Communicator::alone());
    const auto run = [&](bool measures) {
      model->train();
      model->zero_grad(/*set_to_none=*/true);
      if (measures) gradient.part_norms(random_batch(kBatchPairs), 3);
      LapTimer timer;
      Result result = {gradient.compute(random_batch(kBatchPairs), 3, timer), {}};
      for (const auto& [name, parameter] : parameters) {
        if (parameter.grad().defined()) result.gradients[name] = parameter.grad().clone();
      }
      return result;
    };
    expect_equal(run(true), run(false), 0);
  }
}

}  // namespace
}  // namespace glint::test
