#include <torch/torch.h>

#include <algorithm>

#include "glint/optim/optimizer.h"

namespace glint {
namespace {

bool has(const std::string& name, const char* part) {
  return name.find(part) != std::string::npos;
}

// Note [LayerNorm decay]: the released list spares names with "bias", "LayerNorm.bias" and "LayerNorm.weight", but the
// models call their layer norms ln_1, norm1 and so on, so their weights are decayed. decay_layernorm = false spares
// them; decay_bias = true spares no bias (X-Pool decays all parameters alike).
bool is_decayed(const std::string& name, const torch::Tensor& parameter, const OptimConfig& config) {
  if (has(name, "bias")) return config.decay_bias;
  if (has(name, "LayerNorm.weight")) return false;
  const bool is_norm_weight = parameter.dim() == 1 && name.ends_with(".weight");  // no other layer has a flat weight
  return config.decay_layernorm || !is_norm_weight;
}

}  // namespace

std::vector<ParameterGroup> parameter_groups(const NamedParameters& parameters, const OptimConfig& config) {
  std::vector<ParameterGroup> groups = {{"clip_decay", config.clip_lr, config.weight_decay, {}},
                                        {"other_decay", config.lr, config.weight_decay, {}},
                                        {"clip_no_decay", config.clip_lr, 0, {}},
                                        {"other_no_decay", config.lr, 0, {}}};
  // The sigmoid loss starts with a scale and a bias of its own, which are new weights though they stand in the towers.
  const auto is_bias = [](const auto& item) { return item.first.ends_with("logit_bias"); };
  const bool sigmoid = std::any_of(parameters.begin(), parameters.end(), is_bias);
  for (const auto& [name, parameter] : parameters) {
    const bool is_new_logit = sigmoid && has(name, "clip.logit_");
    const bool is_other = !has(name, "clip.") || is_new_logit;  // "transformerClip." is none of the towers
    const bool is_spared = !is_decayed(name, parameter, config);
    groups[(is_spared ? 2 : 0) + (is_other ? 1 : 0)].parameters.emplace_back(name, parameter);
  }
  return groups;
}

}  // namespace glint
