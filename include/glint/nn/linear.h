#pragma once

#include <torch/types.h>

namespace glint {

// y = x W^T + b over the last dimension, differentiable once. x [..., I], weight [O, I], bias [O] or undefined.
// On CPUs with AVX-512, in float32, all three products of it go to oneDNN, which LibTorch's own linear does not use:
// 200 instead of 95 GFLOP/s a core on an AMD EPYC 9005 (benchmarks/tower_bench.cpp). Elsewhere it is torch::linear.
torch::Tensor fast_linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias = {});

}  // namespace glint
