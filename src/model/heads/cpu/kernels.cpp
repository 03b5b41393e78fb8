#include "model/heads/cpu/kernels.h"

#include <utility>

namespace glint::cpu {
namespace {

thread_local bool kernels_are_off = false;
thread_local int64_t taken = 0;

}  // namespace

bool has_kernels_for(const torch::Tensor& features) {
  const bool has_them = !kernels_are_off && features.is_cpu() && features.scalar_type() == at::kFloat;
  taken += has_them ? 1 : 0;
  return has_them;
}

int64_t kernels_taken() {
  return taken;
}

WithoutKernels::WithoutKernels() : before_(std::exchange(kernels_are_off, true)) {}

WithoutKernels::~WithoutKernels() {
  kernels_are_off = before_;
}

}  // namespace glint::cpu
