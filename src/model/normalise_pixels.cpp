#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <array>
#include <cstdint>

#include "glint/core/error.h"
#include "glint/model/clip.h"

namespace glint {

namespace {

constexpr int64_t kChannels = 3;
constexpr std::array<float, kChannels> kMean = {0.48145466F, 0.4578275F, 0.40821073F};
constexpr std::array<float, kChannels> kStd = {0.26862954F, 0.26130258F, 0.27577711F};
constexpr int64_t kPlanesAGrain = 4;

using Table = std::array<std::array<float, 256>, kChannels>;

// Every value a byte can become, rounded step by step as ToTensor and Normalize round it.
Table make_table() {
  Table table{};
  for (std::size_t c = 0; c < kChannels; ++c) {
    for (std::size_t value = 0; value < 256; ++value) {
      const float unit = static_cast<float>(value) / 255.0F;
      table[c][value] = (unit - kMean[c]) / kStd[c];
    }
  }
  return table;
}

torch::Tensor normalise_on_cpu(const torch::Tensor& frames) {
  static const Table table = make_table();
  auto out = torch::empty(frames.sizes(), torch::kFloat32);
  const int64_t pixels = frames.size(-1) * frames.size(-2);
  const int64_t planes = pixels == 0 ? 0 : frames.numel() / pixels;
  const auto* from = frames.const_data_ptr<std::uint8_t>();
  auto* to = out.data_ptr<float>();
  at::parallel_for(0, planes, kPlanesAGrain, [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      const auto& values = table[static_cast<std::size_t>(plane % kChannels)];
      for (int64_t i = plane * pixels; i < (plane + 1) * pixels; ++i) to[i] = values[from[i]];
    }
  });
  return out;
}

torch::Tensor channel_constants(const std::array<float, kChannels>& values, const torch::Tensor& like) {
  return torch::tensor({values[0], values[1], values[2]}, torch::kFloat32).to(like.device()).view({kChannels, 1, 1});
}

}  // namespace

torch::Tensor normalise_pixels(const torch::Tensor& frames) {
  GLINT_CHECK(frames.scalar_type() == torch::kUInt8, "frames are ", frames.scalar_type());
  GLINT_CHECK(frames.dim() >= 3 && frames.size(-3) == kChannels, "frames ", frames.sizes());
  if (frames.is_cpu()) return normalise_on_cpu(frames.contiguous());
  return frames.to(torch::kFloat32)
      .div_(255.0)
      .sub_(channel_constants(kMean, frames))
      .div_(channel_constants(kStd, frames));
}

}  // namespace glint
