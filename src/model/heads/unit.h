#pragma once

#include <ATen/ATen.h>

namespace glint {

// x / |x| over the last dimension. The references divide by zero where x is zero; here a zero vector stays zero, and
// its gradient stays finite.
inline at::Tensor unit(const at::Tensor& x) {
  const auto norm = at::linalg_vector_norm(x, 2, -1, /*keepdim=*/true);
  return x / norm.masked_fill(norm == 0, 1);
}

// CLIP4Clip's mean pooling (methods 2): the direction of the mean of the unit frames that the mask leaves; zero where
// it leaves none. frames [B, T, D], mask [B, T] -> [B, D]
inline at::Tensor unit_mean(const at::Tensor& frames, const at::Tensor& mask) {
  const auto weights = mask.to(frames.scalar_type()).unsqueeze(-1);  // [B, T, 1]
  const auto sum = (unit(frames) * weights).sum(1);                  // [B, D]
  return unit(sum / weights.sum(1).clamp_min(1));
}

}  // namespace glint
