#include <torch/torch.h>

#include <cmath>

#include "glint/core/error.h"
#include "glint/model/losses.h"
#include "parity/parity.h"
#include "parity/train_steps.h"

namespace glint::test {
namespace {

// The model under test with float32 weights, and a copy of it that computes losses and gradients in float64. A ReLU's
// input that rounding moves across zero changes a gradient by far more than the tolerances, which come from a run where
// none did; with float32 products it hangs on the processor whether one does.
struct TrainedModel {
  explicit TrainedModel(const GoldenCase& golden) : model(trained_model(golden)), exact(trained_model(golden)) {
    exact->to(torch::kFloat64);
    for (auto* each : {model.get(), exact.get()}) each->train();
    parameters = named_parameters(*model);
  }

  void copy_weights() const {
    const torch::NoGradGuard no_grad;
    const auto copies = exact->named_parameters();
    for (const auto& [name, parameter] : parameters) copies[name].copy_(parameter);
  }
  void copy_gradients() const {
    const auto copies = exact->named_parameters();
    for (const auto& [name, parameter] : parameters) {
      auto weight = parameter;
      const auto& gradient = copies[name].grad();
      if (gradient.defined()) weight.mutable_grad() = gradient.to(torch::kFloat32);
    }
    exact->zero_grad();
  }

  std::unique_ptr<RetrievalModel> model;
  std::unique_ptr<RetrievalModel> exact;
  NamedParameters parameters;  // of `model`
};

// One step as the trainer makes it.
StepNumbers train_step(const TrainedModel& trained, Optimizer& optimizer, const GoldenCase& golden, int64_t batch,
                       double lr_factor) {
  const auto input = [&](const char* name) { return golden.input(concat(batch, ".", name)); };
  optimizer.zero_grad();
  trained.copy_weights();
  auto& exact = *trained.exact;
  const auto text = exact.encode_text(input("ids"), input("text_mask"));
  const auto video = exact.encode_video(input("pixels").to(torch::kFloat64), input("video_mask"));
  const auto out = exact.head().score_pairs(text, video);
  auto loss = contrastive_loss(out.scores * exact.logit_scale());
  StepNumbers numbers = {{"L_nce", loss.item<double>()}};
  for (const auto& aux : out.aux) {
    numbers[part_name(aux.name)] = aux.value.item<double>();
    loss = loss + aux.value;
  }
  numbers["total"] = loss.item<double>();
  loss.backward();
  trained.copy_gradients();
  numbers["grad_norm"] = clip_global_norm(trained.parameters, golden.config<double>("global_grad_clip"));
  optimizer.step(lr_factor);
  trained.model->clamp_logit_scale(std::exp(golden.config<double>("logit_scale_max")));
  numbers["logit_scale"] = trained.model->clip().logit_scale.item<double>();
  return numbers;
}

}  // namespace

CaseReport check_glscl_train(const GoldenCase& golden) {
  const TrainedModel trained(golden);
  const auto config = trained_optim_config(golden);
  Optimizer optimizer(parameter_groups(trained.parameters, config), config);
  return follow_steps(golden, *trained.model, optimizer.groups(), [&](int64_t batch, double factor) {
    return train_step(trained, optimizer, golden, batch, factor);
  });
}

}  // namespace glint::test
