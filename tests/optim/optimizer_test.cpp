#include "glint/optim/optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>

#include "glint/core/error.h"

namespace glint::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

// Sizes that do not divide by the kernel's width, a scalar, an empty tensor and one of several pieces.
NamedParameters make_parameters() {
  torch::manual_seed(3);
  NamedParameters parameters = {{"clip.visual.proj", torch::randn({3, 5})}, {"clip.logit_scale", torch::randn({})},
                                {"head.norm1.weight", torch::randn({7})},   {"head.norm1.bias", torch::randn({7})},
                                {"head.none", torch::randn({0, 4})},        {"head.queries", torch::randn({1, 70001})}};
  for (auto& [name, parameter] : parameters) parameter.requires_grad_();
  return parameters;
}

void set_gradients(NamedParameters& parameters, int64_t step) {
  torch::manual_seed(static_cast<uint64_t>(100 + step));
  for (auto& [name, parameter] : parameters) parameter.mutable_grad() = torch::randn_like(parameter) * 0.3;
}

OptimConfig test_config(const std::string& name) {
  OptimConfig config;
  config.name = name;
  config.lr = 0.02;
  config.clip_lr = 0.003;
  return config;
}

// Methods 6.1, line by line.
void literal_bert_adam(const ParameterGroup& group, const OptimConfig& config, double factor, TensorMap& moments) {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, shared] : group.parameters) {
    auto p = shared;
    if (!p.grad().defined()) continue;
    const auto g = p.grad() * std::min(1.0, 1 / (p.grad().norm().item<double>() + 1e-6));
    auto& m = moments.try_emplace(name + ".m", torch::zeros_like(p)).first->second;
    auto& v = moments.try_emplace(name + ".v", torch::zeros_like(p)).first->second;
    m = config.beta1 * m + (1 - config.beta1) * g;
    v = config.beta2 * v + (1 - config.beta2) * g * g;
    p.sub_(group.lr * factor * (m / (v.sqrt() + config.eps) + group.weight_decay * p));
  }
}

TEST(ParameterGroupsTest, NamesChooseTheRateAndTheDecayAsReleased) {
  NamedParameters parameters;
  for (const auto* name : {"clip.ln_final.weight", "clip.ln_final.bias", "transformerClip.resblocks.0.ln_1.weight",
                           "cross.LayerNorm.weight", "cross.LayerNorm.bias", "clip.logit_scale", "head.queries"}) {
    parameters.emplace_back(name, torch::zeros({2}));
  }
  auto config = test_config("bert_adam");
  const auto names = [](const ParameterGroup& group) {
    std::vector<std::string> all;
    for (const auto& [name, tensor] : group.parameters) all.push_back(name);
    return all;
  };
  auto groups = parameter_groups(parameters, config);
  ASSERT_EQ(groups.size(), 4u);
  EXPECT_THAT(names(groups[0]), ElementsAre("clip.ln_final.weight", "clip.logit_scale"));
  EXPECT_THAT(names(groups[1]), ElementsAre("transformerClip.resblocks.0.ln_1.weight", "head.queries"));
  EXPECT_THAT(names(groups[2]), ElementsAre("clip.ln_final.bias"));
  EXPECT_THAT(names(groups[3]), ElementsAre("cross.LayerNorm.weight", "cross.LayerNorm.bias"));
  EXPECT_EQ(groups[0].lr, config.clip_lr);
  EXPECT_EQ(groups[3].lr, config.lr);
  EXPECT_EQ(groups[1].weight_decay, config.weight_decay);
  EXPECT_EQ(groups[2].weight_decay, 0);

  config.decay_layernorm = false;
  groups = parameter_groups(parameters, config);
  EXPECT_THAT(names(groups[0]), ElementsAre("clip.logit_scale"));
  EXPECT_THAT(names(groups[1]), ElementsAre("head.queries"));

  config.decay_layernorm = config.decay_bias = true;
  groups = parameter_groups(parameters, config);
  EXPECT_THAT(names(groups[0]), ElementsAre("clip.ln_final.weight", "clip.ln_final.bias", "clip.logit_scale"));
  EXPECT_THAT(names(groups[2]), ElementsAre());
}

TEST(OptimizerTest, BertAdamIsTheLiteralFormula) {
  const auto config = test_config("bert_adam");
  auto ours = make_parameters(), theirs = make_parameters();
  Optimizer optimizer(parameter_groups(ours, config), config);
  const auto groups = parameter_groups(theirs, config);
  TensorMap moments;
  for (int64_t step = 0; step < 6; ++step) {
    set_gradients(ours, step);
    set_gradients(theirs, step);
    const double factor = schedule_factor(config, static_cast<double>(step) / 8);
    optimizer.step(factor);
    for (const auto& group : groups) literal_bert_adam(group, config, factor, moments);
  }
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_TRUE(torch::allclose(ours[i].second, theirs[i].second, 1e-6, 1e-7)) << ours[i].first;
  }
  const auto state = optimizer.state();
  for (const auto& [name, moment] : moments) EXPECT_TRUE(torch::allclose(state.at(name), moment, 1e-5, 1e-9)) << name;
}

TEST(OptimizerTest, AdamWIsLibTorchs) {
  auto config = test_config("adamw");
  config.clip_lr = config.lr;
  auto ours = make_parameters(), theirs = make_parameters();
  Optimizer optimizer({{"all", config.lr, config.weight_decay, ours}}, config);
  std::vector<torch::Tensor> tensors;
  for (const auto& [name, tensor] : theirs) tensors.push_back(tensor);
  torch::optim::AdamW judge(tensors, torch::optim::AdamWOptions(config.lr)
                                         .betas({config.beta1, config.beta2})
                                         .eps(config.eps)
                                         .weight_decay(config.weight_decay));
  for (int64_t step = 0; step < 6; ++step) {
    set_gradients(ours, step);
    set_gradients(theirs, step);
    optimizer.step(1);
    judge.step();
  }
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_TRUE(torch::allclose(ours[i].second, theirs[i].second, 1e-5, 1e-6)) << ours[i].first;
  }
}

TEST(OptimizerTest, WhatHasNoGradientOrNoRateStaysAsItIs) {
  auto config = test_config("bert_adam");
  config.clip_lr = 0;
  auto parameters = make_parameters();
  parameters[3].second.requires_grad_(false);
  std::vector<torch::Tensor> before;
  for (const auto& [name, parameter] : parameters) before.push_back(parameter.detach().clone());
  Optimizer optimizer(parameter_groups(parameters, config), config);
  set_gradients(parameters, 0);
  parameters[2].second.mutable_grad().reset();
  optimizer.step(1);
  for (const int unchanged : {0, 1, 2, 3})
    EXPECT_TRUE(torch::equal(parameters[unchanged].second, before[unchanged])) << unchanged;
  EXPECT_FALSE(torch::equal(parameters[5].second, before[5]));
  EXPECT_EQ(optimizer.state().count("clip.visual.proj.m"), 0u);

  optimizer.zero_grad();
  for (const auto& [name, parameter] : parameters) EXPECT_FALSE(parameter.grad().defined()) << name;
}

TEST(OptimizerTest, AGradientOfOtherStridesIsReadByItsIndices) {
  const auto config = test_config("bert_adam");
  auto plain = torch::ones({2, 3}, torch::requires_grad()), strided = torch::ones({2, 3}, torch::requires_grad());
  const auto gradient = torch::arange(6, torch::kFloat32).reshape({3, 2}).t();
  plain.mutable_grad() = gradient.contiguous();
  strided.mutable_grad() = gradient;
  Optimizer optimizer({{"all", 0.1, 0, {{"plain", plain}, {"strided", strided}}}}, config);
  optimizer.step(1);
  EXPECT_TRUE(torch::equal(plain, strided));
}

TEST(OptimizerTest, ALoadedStateContinuesTheSameSteps) {
  for (const auto* name : {"bert_adam", "adamw"}) {
    const auto config = test_config(name);
    auto unbroken = make_parameters();
    Optimizer first(parameter_groups(unbroken, config), config);
    for (int64_t step = 0; step < 3; ++step) {
      set_gradients(unbroken, step);
      first.step(0.5);
    }
    auto resumed = make_parameters();
    {
      const torch::NoGradGuard no_grad;
      for (std::size_t i = 0; i < resumed.size(); ++i) resumed[i].second.copy_(unbroken[i].second);
    }
    Optimizer second(parameter_groups(resumed, config), config);
    second.load(first.state());
    set_gradients(unbroken, 9);
    set_gradients(resumed, 9);
    first.step(1);
    second.step(1);
    for (std::size_t i = 0; i < resumed.size(); ++i)
      EXPECT_TRUE(torch::equal(resumed[i].second, unbroken[i].second)) << name;
  }
}

TEST(OptimizerTest, AStateThatDoesNotFitIsRefusedByNameAndChangesNothing) {
  const auto config = test_config("bert_adam");
  auto parameters = make_parameters();
  Optimizer optimizer(parameter_groups(parameters, config), config);
  set_gradients(parameters, 0);
  optimizer.step(1);
  TensorMap good;
  for (const auto& [name, tensor] : optimizer.state()) good[name] = tensor.clone();
  const auto expect_refused = [&](const TensorMap& state, const std::string& name, const std::string& why) {
    EXPECT_THAT([&] { optimizer.load(state); }, ThrowsMessage<Error>(AllOf(HasSubstr(name), HasSubstr(why))));
  };
  auto bad = good;
  bad.erase("head.queries.v");
  bad["clip.visual.proj.m"] = torch::ones({3, 5});
  expect_refused(bad, "head.queries.v", "is missing");
  EXPECT_TRUE(torch::equal(optimizer.state().at("clip.visual.proj.m"), good.at("clip.visual.proj.m")));
  bad = good;
  bad["head.norm1.bias.m"] = torch::zeros({6});
  expect_refused(bad, "head.norm1.bias.m", "[6]");
  bad = good;
  bad["head.old.m"] = torch::zeros({6});
  expect_refused(bad, "head.old.m", "no parameter");
  bad = good;
  bad.erase("step");
  expect_refused(bad, "step", "missing");
  expect_refused({}, "step", "and 8 more");
}

TEST(OptimizerTest, AnUnknownNameIsRefusedWithTheKnownOnes) {
  EXPECT_THAT([] { Optimizer({}, test_config("sgd")); },
              ThrowsMessage<Error>(AllOf(HasSubstr("'sgd'"), HasSubstr("adamw"))));
}

TEST(ClipGlobalNormTest, TheNormComesBackAndGradientsShrinkOnlyAboveTheLimit) {
  auto parameters = make_parameters();
  set_gradients(parameters, 1);
  std::vector<torch::Tensor> gradients, flat;
  for (const auto& [name, parameter] : parameters) {
    gradients.push_back(parameter.grad().clone());
    flat.push_back(parameter.grad().flatten().to(torch::kFloat64));
  }
  const double norm = torch::cat(flat).norm().item<double>();
  EXPECT_NEAR(clip_global_norm(parameters, 0), norm, 1e-9 * norm);
  EXPECT_NEAR(clip_global_norm(parameters, 2 * norm), norm, 1e-9 * norm);
  for (std::size_t i = 0; i < gradients.size(); ++i)
    EXPECT_TRUE(torch::equal(parameters[i].second.grad(), gradients[i]));
  EXPECT_NEAR(clip_global_norm(parameters, 1), norm, 1e-9 * norm);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    EXPECT_TRUE(torch::allclose(parameters[i].second.grad(), gradients[i] / norm, 1e-5)) << parameters[i].first;
  }
  EXPECT_NEAR(clip_global_norm(parameters, 0), 1, 1e-6);
}

TEST(ClipGlobalNormTest, ThreadsDoNotChangeItsBits) {
  auto parameters = make_parameters();
  set_gradients(parameters, 1);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const double one = clip_global_norm(parameters, 0);
  at::set_num_threads(2);
  EXPECT_EQ(clip_global_norm(parameters, 0), one);
  at::set_num_threads(threads);
}

TEST(ClipGlobalNormTest, ANormThatIsNotFiniteIsReportedAndNothingIsScaled) {
  auto parameters = make_parameters();
  set_gradients(parameters, 1);
  const auto before = parameters[5].second.grad().clone();
  parameters[0].second.mutable_grad().fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(std::isnan(clip_global_norm(parameters, 1)));
  EXPECT_TRUE(torch::equal(parameters[5].second.grad(), before));
}

}  // namespace
}  // namespace glint::test
