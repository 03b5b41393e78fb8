#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace glint {

// A piece of one of several tensors: work over many tensors of unequal size is shared out by pieces.
struct Piece {
  std::size_t tensor;
  int64_t begin;
  int64_t end;
};
std::vector<Piece> pieces(const std::vector<torch::Tensor>& tensors);

// Squared L2 norm of each contiguous float32 tensor, by the kernels on the CPU and else by the operators.
std::vector<double> squared_norms(const std::vector<torch::Tensor>& tensors);

// Its two forms: by our kernel, on the CPU, the same bits for any number of threads; and in LibTorch's operators, on
// any device, with one wait for it.
std::vector<double> squared_norms_by_kernels(const std::vector<torch::Tensor>& tensors);
std::vector<double> squared_norms_by_operators(const std::vector<torch::Tensor>& tensors);

// The gradient as contiguous float32 memory.
torch::Tensor plain_gradient(const torch::Tensor& parameter);

}  // namespace glint
