#include "model/heads/cpu/kernels.h"

#include <utility>

namespace glint::cpu {
namespace {

thread_local bool kernels_are_off = false;

}  // namespace

bool has_kernels_for(const torch::Tensor& features) {
  return !kernels_are_off && features.is_cpu() && features.scalar_type() == at::kFloat;
}

WithoutKernels::WithoutKernels() : before_(std::exchange(kernels_are_off, true)) {}

WithoutKernels::~WithoutKernels() {
  kernels_are_off = before_;
}

}  // namespace glint::cpu
