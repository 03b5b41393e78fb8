#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "glint/config/optim_config.h"
#include "glint/io/safetensors.h"

namespace glint {

using NamedParameters = std::vector<std::pair<std::string, torch::Tensor>>;

// The released four groups {CLIP, other} x {decay, none} by the parameter's name (methods 6.2), in this order; a group
// may be empty.
struct ParameterGroup {
  std::string name;  // "clip_decay", "other_decay", "clip_no_decay", "other_no_decay"
  double lr;         // peak
  double weight_decay;
  NamedParameters parameters;
};
std::vector<ParameterGroup> parameter_groups(const NamedParameters& parameters, const OptimConfig& config);

// Factor of the peak rate at progress x = step / total (methods 6.3). Throws Error where config.schedule is unknown.
double schedule_factor(const OptimConfig& config, double x);

// L2 norm over all gradients; where it is above `max_norm` > 0 all are scaled down to it. -> the norm before. Where
// that is not finite nothing is scaled, and a step would ruin the weights: the caller must look.
double clip_global_norm(const NamedParameters& parameters, double max_norm);

// The same of all groups together, with the norm of each.
struct GradientNorms {
  double all = 0;
  std::vector<double> groups;  // in the order of the groups
};
GradientNorms clip_global_norm(const std::vector<ParameterGroup>& groups, double max_norm);

// Multiplies all gradients, in place.
void scale_gradients(const std::vector<ParameterGroup>& groups, double factor);

// BertAdam as released (methods 6.1) or AdamW, for contiguous float32 parameters of one device. Parameters without a
// gradient are left alone; those that need none or whose group's rate is 0 when the optimizer is made have no moments
// at all.
class Optimizer {
 public:
  // Throws Error where config.name is no optimizer.
  Optimizer(std::vector<ParameterGroup> groups, const OptimConfig& config);
  ~Optimizer();
  void zero_grad();             // drops the gradients
  void step(double lr_factor);  // each group's peak rate times this
  const std::vector<ParameterGroup>& groups() const;

  // Moments under "<parameter>.m" and "<parameter>.v", and "step", the count of steps. The moments are not copied: the
  // next step() changes them.
  TensorMap state() const;
  // Copies them in. Throws one Error that names what is missing, spare or misshapen; then nothing has changed.
  void load(const TensorMap& state);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace glint
