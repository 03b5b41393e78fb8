#include "glint/media/resized_crop.h"

#include <algorithm>
#include <cmath>

namespace glint {

namespace {

constexpr int kAttempts = 10;
constexpr double kMinArea = 0.5, kMaxArea = 1;              // share of the picture's
constexpr double kMinRatio = 3.0 / 4, kMaxRatio = 4.0 / 3;  // width over height

int rounded(double value) {
  return static_cast<int>(std::nearbyint(value));  // halves to even, as Python
}

// The largest box in the middle whose shape is allowed, for pictures too long for all attempts.
CropBox middle_box(int width, int height) {
  CropBox box;
  box.width = std::clamp(rounded(height * kMaxRatio), 1, width);
  box.height = std::clamp(rounded(width / kMinRatio), 1, height);
  box.left = (width - box.width) / 2;
  box.top = (height - box.height) / 2;
  return box;
}

CropBox draw_box(Random& random, int width, int height) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const double area = random.uniform(kMinArea, kMaxArea) * width * height;
    const double ratio = std::exp(random.uniform(std::log(kMinRatio), std::log(kMaxRatio)));
    CropBox box;
    box.width = rounded(std::sqrt(area * ratio));
    box.height = rounded(std::sqrt(area / ratio));
    if (box.width == 0 || box.height == 0 || box.width > width || box.height > height) continue;
    box.top = static_cast<int>(random.below(static_cast<std::uint64_t>(height - box.height + 1)));
    box.left = static_cast<int>(random.below(static_cast<std::uint64_t>(width - box.width + 1)));
    return box;
  }
  return middle_box(width, height);
}

}  // namespace

CropBox draw_resized_crop(Random& random, int width, int height) {
  const bool mirrored = random.chance(0.5);
  CropBox box = draw_box(random, width, height);
  box.mirrored = mirrored;
  return box;
}

}  // namespace glint
