#include "model/heads/cpu/packed_videos.h"

#include <ATen/ATen.h>

namespace glint::cpu {

PackedVideos::PackedVideos(const torch::Tensor& mask, const torch::Tensor& gram)
    : frames_(at::empty({gram.size(0), gram.size(1)}, at::kInt)),
      gram_(at::empty(gram.sizes(), gram.options())),
      counts_(static_cast<std::size_t>(gram.size(0))) {
  const auto B = gram.size(0), T = gram.size(1);
  const auto kept = mask.defined() ? (mask != 0).contiguous() : at::ones({B, T}, at::kBool);
  const auto given = gram.detach().contiguous();
  const bool* keep = kept.const_data_ptr<bool>();
  const float* from = given.const_data_ptr<float>();
  for (int64_t b = 0; b < B; ++b) {
    int32_t* frames = frames_.data_ptr<int32_t>() + b * T;
    float* to = gram_.data_ptr<float>() + b * T * T;
    auto& count = counts_[static_cast<std::size_t>(b)];
    for (int64_t t = 0; t < T; ++t) {
      if (keep[b * T + t]) frames[count++] = static_cast<int32_t>(t);
    }
    for (int64_t t = 0; t < count; ++t) {
      const float* row = from + (b * T + frames[t]) * T;
      for (int64_t u = 0; u <= t; ++u) to[t * count + u] = (u < t ? 2 : 1) * row[frames[u]];
    }
  }
}

}  // namespace glint::cpu
