#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "glint/config/config.h"
#include "glint/io/safetensors.h"

namespace glint {

using NamedParameters = std::vector<std::pair<std::string, torch::Tensor>>;

// The released four groups {CLIP, other} x {decay, none} by the parameter's name (methods 6.2).
struct ParameterGroup {
  std::string name;  // "clip_decay", "other_decay", "clip_no_decay", "other_no_decay"
  double lr;         // peak
  double weight_decay;
  NamedParameters parameters;
};
std::vector<ParameterGroup> parameter_groups(const NamedParameters& parameters, const OptimConfig& config);

// Factor of the peak rate at progress x = step / total (methods 6.3).
double schedule_factor(const OptimConfig& config, double x);

// L2 norm over all gradients; where it is above `max_norm` > 0 all are scaled down to it. -> the norm before.
double clip_global_norm(const NamedParameters& parameters, double max_norm);

// BertAdam as released (methods 6.1) or AdamW. Moments are float32; parameters without a gradient are left alone.
class Optimizer {
 public:
  Optimizer(std::vector<ParameterGroup> groups, const OptimConfig& config);
  ~Optimizer();
  void zero_grad();
  void step(double lr_factor);  // each group's peak rate times this
  const std::vector<ParameterGroup>& groups() const;

  // Moments under "<parameter>.m" and "<parameter>.v", and the step count; load() names what does not fit.
  TensorMap state() const;
  void load(const TensorMap& state);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace glint
