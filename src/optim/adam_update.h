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

// One step, by the kernels on the CPU and else by the operators.
void update(const std::vector<AdamItem>& items);

// Its two forms: by our kernel, on the CPU, contiguous; and in LibTorch's operators over many tensors at a time, on any
// device, without waiting for it.
void update_by_kernels(const std::vector<AdamItem>& items);
void update_by_operators(const std::vector<AdamItem>& items);

}  // namespace glint
