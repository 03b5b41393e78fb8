#pragma once

#include <cstdint>
#include <memory>

#include "glint/media/image.h"

namespace glint {

// A part of a picture, perhaps to be mirrored left to right.
struct CropBox {
  int left = 0, top = 0, width = 0, height = 0;  // pixels
  bool mirrored = false;
  bool operator==(const CropBox&) const = default;
};

// How a picture becomes a square: its middle, at the scale of its short side (CLIP), or all of it, whatever its shape
// (SigLIP).
enum class Fit { kCrop, kSquash };

// CLIP's picture transform: short side -> `size` with Pillow's bicubic filter in 8-bit integers, centre crop; equal to
// Pillow in every byte (golden preprocess); or SigLIP's, both sides -> `size` with the same filter. Keeps its
// coefficient tables between frames of one size. Not thread-safe.
class FrameTransform {
 public:
  explicit FrameTransform(int size, Fit fit = Fit::kCrop);
  ~FrameTransform();
  FrameTransform(FrameTransform&&) noexcept;
  FrameTransform& operator=(FrameTransform&&) noexcept;

  // -> `out`: uint8 [3, size, size], planes R, G, B (what the towers take), 3 * size * size bytes of the caller's.
  void apply(const Image& image, std::uint8_t* out);

  // The same of all of `box`, which lies inside the picture, whatever its shape: bilinear as Pillow's, no crop.
  void apply(const Image& image, const CropBox& box, std::uint8_t* out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace glint
