#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <string>

#include "dist/ranks.h"
#include "glint/core/error.h"
#include "glint/train/batch_gradient.h"
#include "parity/train_steps.h"
#include "support/environment.h"

// The steps of the release's own training (kind `glscl_train`), made by the code that trains: BatchGradient, the clip
// and the optimizer as Trainer::step calls them, in float32.
namespace glint::test {
namespace {

Batch share_of_input(const GoldenCase& golden, int64_t batch, const Communicator& peers) {
  const auto own = [&](const char* name) {
    const auto& all = golden.input(concat(batch, ".", name));  // [A, ...]
    const auto pairs = all.size(0) / peers.ranks();
    return all.narrow(0, peers.rank() * pairs, pairs);
  };
  Batch shard;
  shard.token_ids = own("ids");
  shard.token_mask = own("text_mask");
  shard.frames = own("pixels");
  shard.frame_mask = own("video_mask");
  return shard;
}

NamedParameters trainable(const RetrievalModel& model) {
  NamedParameters parameters;
  for (const auto& [name, parameter] : named_parameters(model)) {
    if (parameter.requires_grad()) parameters.emplace_back(name, parameter);
  }
  return parameters;
}

class GoldenTraining {
 public:
  GoldenTraining(const GoldenCase& golden, const TrainConfig& config, std::shared_ptr<Communicator> peers)
      : golden_(golden),
        peers_(peers),
        model_(trained_model(golden)),
        config_(trained_optim_config(golden)),
        gradient_(*model_, trainable(*model_), config, {}, std::move(peers)),
        optimizer_(parameter_groups(named_parameters(*model_), config_), config_) {}

  CaseReport follow(const StepSlack& slack) {
    return follow_steps(
        golden_, *model_, optimizer_.groups(), [&](int64_t batch, double factor) { return step(batch, factor); },
        slack);
  }

 private:
  // As Trainer::step.
  StepNumbers step(int64_t batch, double lr_factor) {
    model_->train();
    optimizer_.zero_grad();
    LapTimer timer;
    const auto losses = gradient_.compute(share_of_input(golden_, batch, *peers_), steps_++, timer);
    StepNumbers numbers = {{"total", losses.loss}};
    for (const auto& [name, value] : losses.parts) numbers[part_name(name)] = value;
    numbers["grad_norm"] = clip_global_norm(optimizer_.groups(), config_.grad_clip).all;
    optimizer_.step(lr_factor);
    model_->clamp_logit_scale(std::exp(golden_.config<double>("logit_scale_max")));
    numbers["logit_scale"] = model_->clip().logit_scale.item<double>();
    return numbers;
  }

  const GoldenCase& golden_;
  std::shared_ptr<Communicator> peers_;
  std::unique_ptr<RetrievalModel> model_;
  OptimConfig config_;
  BatchGradient gradient_;
  Optimizer optimizer_;
  int64_t steps_ = 0;
};

// The cases' tolerances come from a run in which no ReLU's input crossed zero by rounding. In float32 the last bits of
// the processor's products decide whether one does at step 14: with weights nudged by half a unit in the last place one
// did in 2 of 36 runs of glscl_train20 and in 6 of 28 of glscl_train20_coef01, and the worst number was then 2.7 times
// its tolerance off (L_ICL), the worst weight 2.5 times; without it all stay within 1.
constexpr StepSlack kOneReluCrosses = {.numbers = 4, .weights = 4};

void expect_release_is_followed(const std::shared_ptr<Communicator>& peers, const TrainConfig& config) {
  torch::set_num_threads(1);
  int found = 0;
  for (const auto& folder : golden_case_dirs()) {
    const auto golden = load_golden_case(folder);
    if (golden.kind != "glscl_train") continue;
    ++found;
    const auto report = GoldenTraining(golden, config, peers).follow(kOneReluCrosses);
    EXPECT_TRUE(report.ok()) << golden.name << ": worst " << report.worst();
    for (const auto& failure : report.failures()) ADD_FAILURE() << golden.name << ": " << failure;
  }
  EXPECT_GT(found, 0);
}

TEST(GoldenStepsTest, OneProcessFollowsTheReleasedTraining) {
  expect_release_is_followed(Communicator::alone(), {});
}

TEST(GoldenStepsTest, MicroBatchesFollowIt) {
  expect_release_is_followed(Communicator::alone(), {.micro_batch = 1});
}

TEST(GoldenStepsTest, TwoProcessesFollowIt) {
  EXPECT_EQ(run_communicators(2, [](const auto& peers) { expect_release_is_followed(peers, {}); }), well(2));
}

}  // namespace
}  // namespace glint::test
