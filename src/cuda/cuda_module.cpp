// All of glint that needs CUDA's symbols: libglint_cuda.so, which the program opens where a driver is. No kernels of
// our own, so no CUDA compiler either.
#include "glint/device/cuda_module.h"

#include <torch/version.h>

#include <cuda_runtime_api.h>

#include <ATen/cuda/CUDAContext.h>
#define USE_C10D_NCCL  // as in the wheel: its headers hide NCCL without it
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include <chrono>

namespace glint {

namespace {

void describe(int index, CudaModule::Gpu* gpu) {
  const auto& properties = *at::cuda::getDeviceProperties(static_cast<c10::DeviceIndex>(index));
  gpu->name = properties.name;  // LibTorch keeps them
  gpu->memory_bytes = static_cast<std::int64_t>(properties.totalGlobalMem);
  gpu->multiprocessors = properties.multiProcessorCount;
}

c10::intrusive_ptr<c10d::Backend> make_nccl(const c10::intrusive_ptr<c10d::Store>& store, int rank, int ranks,
                                            std::int64_t timeout_ms) {
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = std::chrono::milliseconds(timeout_ms);
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, ranks, options);
}

constexpr CudaModule kModule = {kCudaModuleVersion, TORCH_VERSION, describe, make_nccl};

}  // namespace

}  // namespace glint

extern "C" __attribute__((visibility("default"))) const glint::CudaModule* glint_cuda_module() {
  return &glint::kModule;
}
