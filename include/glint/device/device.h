#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "glint/core/lap_timer.h"

namespace glint {

struct CudaModule;

struct Gpu {
  std::string name;  // as "NVIDIA H200"
  std::int64_t memory_bytes = 0;
  int multiprocessors = 0;
};

// What this process can compute on besides the CPU.
struct GpuReport {
  bool has_driver = false;
  std::string module;   // the file libglint_cuda.so; empty where there is none, or it is switched off
  std::string problem;  // why there are no `gpus`: one clause, for a sentence; empty where there are some
  std::vector<Gpu> gpus;
};

// Looks for GPUs, once a process. Where an NVIDIA driver is, opens the CUDA module: the file GLINT_CUDA_MODULE names
// (empty: none, the GPU is left alone), else libglint_cuda.so beside the program or in ../lib. It must come before
// LibTorch is asked for anything that knows of CUDA (torch::manual_seed is), since LibTorch remembers the answer.
// Without a driver it opens nothing and costs nothing.
const GpuReport& find_gpus();

// The device that `wanted` (run.device: auto, cpu, cuda) names for a process that is number `local_rank` on its
// machine: each has a GPU of its own, which becomes this thread's current one. Throws Error where cuda is asked for and
// missing, and where there are GPUs but not one for this process.
torch::Device choose_device(const std::string& wanted, std::int64_t local_rank = 0);

// Once there are GPUs.
const CudaModule& cuda_module();

// Waits until `device` has done what it was asked for; nothing to do on the CPU.
void synchronise(torch::Device device);

// The most memory that tensors have taken of a GPU so far, bytes.
std::int64_t peak_memory_bytes(torch::Device gpu);

// Products of float32 on GPUs in TF32, from now on (train.tf32).
void use_tf32(bool on);

// For LapTimer: null on the CPU.
std::unique_ptr<WorkClock> make_work_clock(torch::Device device);

// Products of matrices that a GPU of this name can do, floating-point operations a second as its maker states them
// (dense): of kFloat32 with and without TF32, kBFloat16, kHalf. None for GPUs that the table does not know.
std::optional<double> known_peak_flops(const std::string& gpu, torch::ScalarType type, bool tf32);

}  // namespace glint
