#pragma once

#include <torch/types.h>

namespace glint::literal {

// Vectors along the last dimension divided by their length.
inline torch::Tensor unit(const torch::Tensor& x) {
  return x / x.norm(2, -1, /*keepdim=*/true);
}

}  // namespace glint::literal
