#pragma once

#include <ATen/ATen.h>

namespace glint {

// x / |x| over the last dimension. The references divide by zero where x is zero; here a zero vector stays zero, and
// its gradient stays finite.
inline at::Tensor unit(const at::Tensor& x) {
  const auto norm = at::linalg_vector_norm(x, 2, -1, /*keepdim=*/true);
  return x / norm.masked_fill(norm == 0, 1);
}

}  // namespace glint
