#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "glint/media/image.h"

namespace glint {

// Where the middle of output pixel (x, y), at (x + 0.5, y + 0.5), comes from: (a x + b y + c, d x + e y + f).
struct AffineMap {
  double a = 1, b = 0, c = 0;
  double d = 0, e = 1, f = 0;
};

// A picture whose edge pixels are repeated twice on each side; a pixel is R + 256 G + 65536 B, and
// nobody looks at its last byte.
struct PaddedPicture {
  static constexpr int kBorder = 2;
  std::int32_t stride = 0;  // pixels from row to row
  std::vector<std::uint32_t> pixels;

  void resize(int width, int height) {
    stride = width + 2 * kBorder;
    pixels.resize(static_cast<std::size_t>(stride) * static_cast<std::size_t>(height + 2 * kBorder));
  }
  std::int32_t index(int x, int y) const { return (y + kBorder) * stride + (x + kBorder); }
};

// ground + factor * (value - ground) as Pillow has it: in float, cut off towards zero, held in a byte.
inline std::uint8_t blended(int ground, int value, float factor) {
  const float exact = static_cast<float>(ground) + factor * static_cast<float>(value - ground);
  return static_cast<std::uint8_t>(std::clamp(static_cast<int>(exact), 0, 255));
}

// The operations that look at more than one byte, compiled for several kinds of CPU; all give the same bytes. `to` has
// the size of `from` and is another picture.
struct AugmentKernels {
  const char* cpu;  // "avx2"
  // Bicubic with a = -1; (128, 128, 128) where the point lies outside the picture. `padded` is room for the work.
  void (*affine)(const Image& from, const AffineMap& map, PaddedPicture& padded, Image& to);
  // From (to) the luma of each pixel away (near).
  void (*color)(const Image& from, float factor, Image& to);
  // From (to) the mean of 3 x 3 pixels away (near).
  void (*sharpness)(const Image& from, float factor, Image& to);
  // Sum over all pixels.
  std::uint64_t (*luma_sum)(const Image& image);
};

// Those that this CPU runs, the fastest first.
std::vector<AugmentKernels> augment_kernels();

}  // namespace glint
