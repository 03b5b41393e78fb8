#include "support/load_parameters.h"

#include <torch/torch.h>

namespace glint::test {

void load_parameters(torch::nn::Module& module, const TensorMap& weights, CaseReport& report) {
  torch::NoGradGuard no_grad;
  auto parameters = module.named_parameters();
  for (auto& parameter : parameters) {
    const auto found = weights.find(parameter.key());
    const bool fits = found != weights.end() && found->second.sizes() == parameter->sizes();
    report.require(fits, "no weight of its shape for parameter " + parameter.key());
    if (fits) parameter->copy_(found->second);
  }
  for (const auto& [name, weight] : weights)
    report.require(parameters.contains(name), "no parameter for weight " + name);
}

}  // namespace glint::test
