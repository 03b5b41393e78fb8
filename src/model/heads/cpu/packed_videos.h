#pragma once

#include <torch/types.h>

#include <vector>

#include "model/heads/cpu/pooling_kernel.h"

namespace glint::cpu {

// The videos of one call: which frames their masks leave, and the Gram matrices of those, packed for pool_lanes().
class PackedVideos {
 public:
  // float32 on the CPU. mask [B, T], undefined: all frames stay; gram [B, T, T]
  PackedVideos(const torch::Tensor& mask, const torch::Tensor& gram);

  // Video b with its dot products at `dots`.
  PoolingVideo at(int64_t b, const float* dots, int64_t stride) const {
    const auto T = frames_.size(1);
    return {dots, stride, frames_.const_data_ptr<int32_t>() + b * T, counts_[static_cast<std::size_t>(b)],
            gram_.const_data_ptr<float>() + b * T * T};
  }

 private:
  torch::Tensor frames_;  // int32 [B, T]
  torch::Tensor gram_;    // [B, T, T]
  std::vector<int64_t> counts_;
};

}  // namespace glint::cpu
