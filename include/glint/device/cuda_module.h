#pragma once

#include <c10/util/intrusive_ptr.h>

#include <cstdint>

namespace c10d {
class Backend;
class Store;
}  // namespace c10d

namespace glint {

// What libglint_cuda.so (src/cuda) gives to a program that is linked with LibTorch's CPU libraries alone. All else goes
// through LibTorch's own dispatcher once the module, and with it libtorch_cuda.so, is loaded. Changes of this struct
// change kCudaModuleVersion.
constexpr int kCudaModuleVersion = 1;

struct CudaModule {
  int version;        // kCudaModuleVersion; stays the first member
  const char* torch;  // TORCH_VERSION it was built with

  struct Gpu {
    const char* name;  // lives as long as the module
    std::int64_t memory_bytes;
    int multiprocessors;
  };
  void (*describe)(int index, Gpu* gpu);

  // NCCL among `ranks` processes that meet at `store`; collectives run on this thread's current GPU.
  c10::intrusive_ptr<c10d::Backend> (*make_nccl)(const c10::intrusive_ptr<c10d::Store>& store, int rank, int ranks,
                                                 std::int64_t timeout_ms);
};

// The module's one symbol: const CudaModule* glint_cuda_module().
constexpr const char* kCudaModuleEntry = "glint_cuda_module";
using CudaModuleEntry = const CudaModule* (*)();

}  // namespace glint
