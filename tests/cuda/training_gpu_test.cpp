#include <torch/torch.h>

#include "cuda/gpu.h"
#include "glint/dist/communicator.h"
#include "glint/eval/similarity.h"
#include "glint/optim/moving_average.h"
#include "glint/optim/optimizer.h"
#include "train/gradient_case.h"

namespace glint::test {
namespace {

constexpr int64_t kPairs = 7, kPart = 3;

Result gradients(RetrievalModel& model, const TrainConfig& config = {}) {
  return test::gradients(model, random_batch(kPairs), config, {}, Communicator::alone());
}

Result on_cpu(const Result& result) {
  auto copy = result;
  for (auto& [name, gradient] : copy.gradients) gradient = gradient.cpu();
  return copy;
}

std::shared_ptr<RetrievalModel> on_gpu(const HeadConfig& head, double dropout = 0) {
  auto model = small_model(head, dropout);
  model->to(gpu());
  return model;
}

TEST(GpuTrainingTest, EveryHeadHasTheCpusLossesAndGradients) {
  GLINT_NEEDS_GPU();
  for (const auto& head : heads()) {
    SCOPED_TRACE(head_name(head));
    const auto expected = gradients(*small_model(head, /*dropout=*/0));
    const auto model = on_gpu(head);
    expect_equal(on_cpu(gradients(*model)), expected, 1e-4);
    expect_equal(on_cpu(gradients(*model, {.micro_batch = kPart})), expected, 1e-4);
    expect_equal(on_cpu(gradients(*model, {.recompute = true})), expected, 1e-4);
  }
}

TEST(GpuTrainingTest, DropoutIsTheSameWheneverAStepIsComputed) {
  GLINT_NEEDS_GPU();
  for (const auto& head : heads()) {
    SCOPED_TRACE(head_name(head));
    const auto model = on_gpu(head, /*dropout=*/0.3);
    const auto once = on_cpu(gradients(*model, {.micro_batch = kPart}));
    torch::randn({5}, gpu());
    expect_equal(on_cpu(gradients(*model, {.micro_batch = kPart})), once, 1e-5);
  }
}

TEST(GpuTrainingTest, LowerPrecisionStaysNearAndLeavesFloat32Gradients) {
  GLINT_NEEDS_GPU();
  const auto model = on_gpu(MeanPoolConfig{});
  const auto expected = gradients(*model);
  for (const char* precision : {"bf16", "fp16"}) {
    const auto lower = gradients(*model, {.precision = precision});
    EXPECT_NE(lower.losses.loss, expected.losses.loss) << precision;
    expect_equal(lower, expected, 0.05);
    for (const auto& [name, gradient] : lower.gradients) EXPECT_EQ(gradient.scalar_type(), torch::kFloat32) << name;
  }
}

// The losses of some steps, each on a batch of its own.
std::vector<double> train(RetrievalModel& model, const std::string& optimizer_name) {
  OptimConfig config;
  config.name = optimizer_name;
  config.lr = 1e-3;
  config.clip_lr = 1e-4;
  NamedParameters parameters;
  for (const auto& item : model.named_parameters()) parameters.emplace_back(item.key(), item.value());
  Optimizer optimizer(parameter_groups(parameters, config), config);
  MovingAverage average(parameters, 0.9);
  BatchGradient gradient(model, parameters, {}, {}, Communicator::alone());
  LapTimer timer;
  std::vector<double> losses;
  for (int64_t step = 0; step < 5; ++step) {
    auto batch = random_batch(kPairs);
    batch.frames = batch.frames.roll(step, 0);
    optimizer.zero_grad();
    losses.push_back(gradient.compute(batch, step, timer).loss);
    clip_global_norm(optimizer.groups(), 1);
    optimizer.step(1);
    average.update(step + 1);
  }
  return losses;
}

TEST(GpuTrainingTest, FiveStepsGiveTheCpusLosses) {
  GLINT_NEEDS_GPU();
  for (const char* optimizer : {"bert_adam", "adamw"}) {
    const auto expected = train(*small_model(heads()[1], 0), optimizer);
    const auto losses = train(*on_gpu(heads()[1]), optimizer);
    for (std::size_t i = 0; i < losses.size(); ++i) EXPECT_NEAR(losses[i], expected[i], 2e-3) << optimizer << i;
  }
}

TEST(GpuEvaluationTest, ScoresOfEveryHeadAreTheCpus) {
  GLINT_NEEDS_GPU();
  const torch::NoGradGuard no_grad;
  for (const auto& head : heads()) {
    SCOPED_TRACE(head_name(head));
    const auto batch = random_batch(kPairs);
    const auto scores = [&](RetrievalModel& model) {
      model.eval();
      return similarity_matrix(model.head(), model.encode_text(batch.token_ids, batch.token_mask),
                               model.encode_video(batch.frames, batch.frame_mask), /*block=*/3);
    };
    const auto expected = scores(*small_model(head, 0)), ours = scores(*on_gpu(head));
    EXPECT_TRUE(ours.is_cpu());
    EXPECT_LT((ours - expected).abs().max().item<double>(), 1e-4);
  }
}

}  // namespace
}  // namespace glint::test
