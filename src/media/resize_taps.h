#pragma once

#include <cstdint>
#include <vector>

namespace glint {

// One axis of a resize followed by a crop: which input pixels each output pixel that survives the crop is made of.
// Pillow's filters, as wide as the scale where they shrink, coefficients in units of 2^-kTapBits.
struct ResizeTaps {
  std::int64_t begin = 0;  // input pixels that any output needs: [begin, end)
  std::int64_t end = 0;
  std::vector<std::int64_t> first;    // [outputs] first input pixel, counted from `begin`
  std::vector<std::int64_t> count;    // [outputs] > 0
  std::vector<std::int32_t> weights;  // [outputs, stride], `count` of each row count
  std::int64_t stride = 0;
};
constexpr int kTapBits = 22;

enum class ResizeFilter { kBicubic, kBilinear };  // a = -0.5 where cubic

// `size` pixels become `resized`, of which [crop, crop + outputs) are kept.
ResizeTaps resize_taps(ResizeFilter filter, std::int64_t size, std::int64_t resized, std::int64_t crop,
                       std::int64_t outputs);

// The same outputs in reverse order.
ResizeTaps mirrored(const ResizeTaps& taps);

}  // namespace glint
