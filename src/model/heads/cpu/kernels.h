#pragma once

#include <torch/types.h>

namespace glint::cpu {

// Kernels that score pairs on the CPU in float32, where nobody asks for gradients. A head's form in operators is its
// main one; a kernel stands beside it where it is at least 1.5 times as fast, as `glint bench head` measures in one
// run.
bool has_kernels_for(const torch::Tensor& features);

// How often has_kernels_for() has said yes to this thread: whether a head has a kernel is read off its scoring.
int64_t kernels_taken();

// While it lives this thread scores by operators alone: for what compares the two.
class WithoutKernels {
 public:
  WithoutKernels();
  ~WithoutKernels();
  WithoutKernels(const WithoutKernels&) = delete;
  WithoutKernels& operator=(const WithoutKernels&) = delete;

 private:
  bool before_;
};

}  // namespace glint::cpu
