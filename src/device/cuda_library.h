#pragma once

#include <filesystem>
#include <string>

#include "glint/device/cuda_module.h"

namespace glint::device {

// Is there an NVIDIA driver, libcuda.so.1?
bool has_driver();

// Is GLINT_CUDA_MODULE set to nothing, which leaves GPUs alone?
bool is_switched_off();

// Where the module is: what GLINT_CUDA_MODULE names, else beside the program, else in ../lib. Empty: nowhere. Throws
// Error where the file that GLINT_CUDA_MODULE names is not there.
std::filesystem::path find_module();

// Opens the module and with it LibTorch's CUDA libraries, for good. Throws Error naming the file where it cannot be
// opened or is made for another glint or LibTorch.
const CudaModule& open_module(const std::filesystem::path& file);

}  // namespace glint::device
