#include "glint/optim/optimizer.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "glint/core/error.h"
#include "glint/core/first_few.h"
#include "optim/adam_update.h"
#include "optim/gradient_norm.h"

namespace glint {
namespace {

// A parameter that is trained, with its moments.
struct Slot {
  std::string name;
  torch::Tensor parameter;
  torch::Tensor m, v;  // float32, the parameter's shape
  double lr;
  double weight_decay;
};

constexpr const char* kStepName = "step";

}  // namespace

struct Optimizer::Impl {
  std::vector<ParameterGroup> groups;
  OptimConfig config;
  bool is_bert_adam;
  std::vector<Slot> slots;
  int64_t steps = 0;

  void add_slots(const ParameterGroup& group);
  AdamRule rule(const Slot& slot, double lr_factor, double squared_norm) const;
  TensorMap moments() const;
};

void Optimizer::Impl::add_slots(const ParameterGroup& group) {
  for (const auto& [name, parameter] : group.parameters) {
    if (group.lr == 0 || !parameter.requires_grad()) continue;
    GLINT_CHECK(parameter.scalar_type() == torch::kFloat32 && parameter.is_contiguous(), "'", name, "' is ",
                parameter.toString());
    slots.push_back({name, parameter, torch::zeros_like(parameter, torch::requires_grad(false)),
                     torch::zeros_like(parameter, torch::requires_grad(false)), group.lr, group.weight_decay});
  }
}

AdamRule Optimizer::Impl::rule(const Slot& slot, double lr_factor, double squared_norm) const {
  AdamRule rule{};
  rule.lr = static_cast<float>(slot.lr * lr_factor);
  rule.weight_decay = static_cast<float>(slot.weight_decay);
  rule.beta1 = static_cast<float>(config.beta1);
  rule.one_minus_beta1 = static_cast<float>(1 - config.beta1);
  rule.beta2 = static_cast<float>(config.beta2);
  rule.one_minus_beta2 = static_cast<float>(1 - config.beta2);
  rule.eps = static_cast<float>(config.eps);
  rule.gradient_scale = rule.m_correction = rule.v_correction = 1;
  if (is_bert_adam) {
    // Note [BertAdam]: as released there is no bias correction, and every tensor is clipped for itself.
    if (config.per_tensor_clip)
      rule.gradient_scale = static_cast<float>(std::min(1.0, 1 / (std::sqrt(squared_norm) + 1e-6)));
  } else {
    rule.m_correction = static_cast<float>(1 / (1 - std::pow(config.beta1, steps)));
    rule.v_correction = static_cast<float>(1 / std::sqrt(1 - std::pow(config.beta2, steps)));
  }
  return rule;
}

TensorMap Optimizer::Impl::moments() const {
  TensorMap tensors;
  for (const auto& slot : slots) {
    tensors[slot.name + ".m"] = slot.m;
    tensors[slot.name + ".v"] = slot.v;
  }
  return tensors;
}

Optimizer::Optimizer(std::vector<ParameterGroup> groups, const OptimConfig& config) : impl_(std::make_unique<Impl>()) {
  if (config.name != "bert_adam" && config.name != "adamw") {
    throw Error("optim.name: no optimizer '", config.name, "'; there are bert_adam, adamw");
  }
  impl_->groups = std::move(groups);
  impl_->config = config;
  impl_->is_bert_adam = config.name == "bert_adam";
  for (const auto& group : impl_->groups) impl_->add_slots(group);
}

Optimizer::~Optimizer() = default;

const std::vector<ParameterGroup>& Optimizer::groups() const {
  return impl_->groups;
}

void Optimizer::zero_grad() {
  for (const auto& group : impl_->groups) {
    for (const auto& [name, parameter] : group.parameters) parameter.mutable_grad().reset();
  }
}

void Optimizer::step(double lr_factor) {
  const torch::NoGradGuard no_grad;
  ++impl_->steps;
  std::vector<Slot*> slots;
  std::vector<torch::Tensor> gradients;
  for (auto& slot : impl_->slots) {
    if (!slot.parameter.grad().defined()) continue;
    slots.push_back(&slot);
    gradients.push_back(plain_gradient(slot.parameter));
  }
  const bool needs_norms = impl_->is_bert_adam && impl_->config.per_tensor_clip;
  const auto norms = needs_norms ? squared_norms(gradients) : std::vector<double>(gradients.size());
  std::vector<AdamItem> items;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const auto& slot = *slots[i];
    items.push_back({impl_->rule(slot, lr_factor, norms[i]), gradients[i], slot.m, slot.v, slot.parameter});
  }
  update(items);
}

TensorMap Optimizer::state() const {
  auto tensors = impl_->moments();
  tensors[kStepName] = torch::tensor(impl_->steps, torch::kInt64);
  return tensors;
}

void Optimizer::load(const TensorMap& state) {
  auto moments = impl_->moments();
  std::vector<std::string> problems;
  const auto step = state.find(kStepName);
  if (step == state.end() || step->second.scalar_type() != torch::kInt64 || step->second.numel() != 1) {
    problems.push_back(concat("'", kStepName, "' is missing or no count"));
  }
  for (const auto& [name, moment] : moments) {
    const auto found = state.find(name);
    if (found == state.end()) {
      problems.push_back(concat("'", name, "' is missing"));
    } else if (found->second.sizes() != moment.sizes() || found->second.scalar_type() != torch::kFloat32) {
      problems.push_back(concat("'", name, "' is ", found->second.scalar_type(), " ", found->second.sizes(),
                                " instead of Float ", moment.sizes()));
    }
  }
  for (const auto& [name, tensor] : state) {
    if (name != kStepName && moments.count(name) == 0)
      problems.push_back(concat("'", name, "' belongs to no parameter that is trained"));
  }
  if (!problems.empty()) throw Error("the optimizer's saved state does not fit this model: ", few_names(problems));
  for (auto& [name, moment] : moments) moment.copy_(state.at(name));
  impl_->steps = step->second.item<int64_t>();
}

}  // namespace glint
