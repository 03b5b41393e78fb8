#include "model/tower_parts.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <array>
#include <cmath>

#include "glint/core/error.h"
#include "glint/nn/initialisation.h"
#include "glint/nn/linear.h"

namespace glint {

torch::Tensor normal(torch::IntArrayRef shape, double stddev) {
  auto weight = torch::empty(shape);
  return initialises_parameters() ? weight.normal_(0, stddev) : weight;
}

double per_root(int64_t n) {
  return 1 / std::sqrt(static_cast<double>(n));
}

Transformer::Transformer(int64_t layers, const BlockSizes& sizes)
    : resblocks(register_module("resblocks", std::make_shared<BlockStack>(layers, sizes))) {}

PatchEmbedding::PatchEmbedding(int64_t width, int64_t patch, bool with_bias) {
  const double bound = per_root(3 * patch * patch);
  weight = register_parameter("weight", torch::empty({width, 3, patch, patch}).uniform_(-bound, bound));
  if (with_bias) bias = register_parameter("bias", torch::zeros({width}));
}

torch::Tensor PatchEmbedding::forward(const torch::Tensor& pixels) const {
  const auto n = pixels.size(0), patch = weight.size(2), side = pixels.size(2) / patch;
  const auto cut = pixels.view({n, 3, side, patch, side, patch}).permute({0, 2, 4, 1, 3, 5});  // [N, g, g, 3, p, p]
  const auto rows = cut.reshape({n, side * side, 3 * patch * patch});
  return bias.defined() ? fast_linear(rows, weight.flatten(1), bias) : fast_linear(rows, weight.flatten(1));
}

TokenEmbedding::TokenEmbedding(int64_t rows, int64_t width)
    : weight(register_parameter("weight", normal({rows, width}, 0.02))) {}

namespace {

constexpr int64_t kChannels = 3;
constexpr int64_t kPlanesAGrain = 4;

// Every value a byte can become.
using Table = std::array<std::array<float, 256>, kChannels>;

Table make_table(const PixelScale& scale) {
  Table table{};
  for (std::size_t c = 0; c < kChannels; ++c) {
    for (std::size_t value = 0; value < 256; ++value) {
      const float unit = static_cast<float>(value) / 255.0F;
      table[c][value] = (unit - static_cast<float>(scale.mean[c])) / static_cast<float>(scale.stddev[c]);
    }
  }
  return table;
}

torch::Tensor normalise_on_cpu(const torch::Tensor& frames, const Table& table) {
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

torch::Tensor channel_constants(const std::array<double, 3>& values, const torch::Tensor& like) {
  return torch::tensor({values[0], values[1], values[2]}, torch::kFloat32).to(like.device()).view({kChannels, 1, 1});
}

}  // namespace

torch::Tensor normalise_pixels(const torch::Tensor& frames, const PixelScale& scale) {
  GLINT_CHECK(frames.scalar_type() == torch::kUInt8, "frames are ", frames.scalar_type());
  GLINT_CHECK(frames.dim() >= 3 && frames.size(-3) == kChannels, "frames ", frames.sizes());
  if (frames.is_cpu()) return normalise_on_cpu(frames.contiguous(), make_table(scale));
  return frames.to(torch::kFloat32)
      .div_(255.0)
      .sub_(channel_constants(scale.mean, frames))
      .div_(channel_constants(scale.stddev, frames));
}

}  // namespace glint
