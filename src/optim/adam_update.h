#pragma once

#include <torch/types.h>

#include <vector>

#include "optim/adam_kernel.h"

namespace glint {

// One step of one parameter; float32, all of one shape and device.
struct AdamItem {
  AdamRule rule;
  torch::Tensor gradient;
  torch::Tensor m, v, parameter;  // are changed
};

// The same step in two forms: by our kernel, on the CPU, contiguous; and in LibTorch's operators over many tensors at a
// time, on any device, without waiting for it.
void update_by_kernels(const std::vector<AdamItem>& items);
void update_by_operators(const std::vector<AdamItem>& items);

// While one lives, this thread takes the operators' form on the CPU too, which has no need of it: for tests.
class OperatorForm {
 public:
  OperatorForm();
  ~OperatorForm();
  OperatorForm(const OperatorForm&) = delete;
  OperatorForm& operator=(const OperatorForm&) = delete;

 private:
  bool before_;
};

// Which form tensors of a step take, of which `any` is one.
bool takes_kernels(const torch::Tensor& any);

}  // namespace glint
