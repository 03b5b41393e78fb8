#include "glint/optim/moving_average.h"

#include <torch/torch.h>

#include <algorithm>

#include "glint/core/error.h"

namespace glint {

MovingAverage::MovingAverage(NamedParameters parameters, double decay)
    : parameters_(std::move(parameters)), decay_(decay) {
  for (const auto& [name, parameter] : parameters_) average_[name] = parameter.detach().clone();
}

void MovingAverage::update(int64_t step) {
  const torch::NoGradGuard no_grad;
  const double decay = std::min(decay_, static_cast<double>(1 + step) / static_cast<double>(10 + step));
  std::vector<torch::Tensor> averages, parameters;
  for (const auto& [name, parameter] : parameters_) {
    averages.push_back(average_.at(name));
    parameters.push_back(parameter);
  }
  if (!averages.empty()) at::_foreach_lerp_(averages, parameters, 1 - decay);
}

void MovingAverage::load(const TensorMap& state) {
  std::string problems;
  const auto add = [&](const std::string& problem) { problems += (problems.empty() ? "" : ", ") + problem; };
  for (const auto& [name, average] : average_) {
    const auto found = state.find(name);
    if (found == state.end()) {
      add(concat("'", name, "' is missing"));
    } else if (found->second.sizes() != average.sizes()) {
      add(concat("'", name, "' is ", found->second.sizes(), " instead of ", average.sizes()));
    }
  }
  for (const auto& [name, tensor] : state) {
    if (average_.count(name) == 0) add(concat("'", name, "' is no parameter that is trained"));
  }
  if (!problems.empty()) throw Error("the saved moving average does not fit this model: ", problems);
  for (auto& [name, average] : average_) average.copy_(state.at(name));
}

void MovingAverage::exchange() {
  const torch::NoGradGuard no_grad;
  if (!room_.defined()) {
    int64_t largest = 0;
    for (const auto& [name, parameter] : parameters_) largest = std::max(largest, parameter.numel());
    if (largest > 0) room_ = torch::empty({largest}, parameters_.front().second.options().requires_grad(false));
  }
  for (auto& [name, parameter] : parameters_) {
    auto& average = average_.at(name);
    auto kept = room_.narrow(0, 0, parameter.numel()).view(parameter.sizes());
    kept.copy_(parameter.detach());
    parameter.detach().copy_(average);
    average.copy_(kept);
  }
}

}  // namespace glint
