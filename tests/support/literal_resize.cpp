#include "support/literal_resize.h"

#include <algorithm>
#include <cmath>

namespace glint::test {

namespace {

double filter(double x) {
  const double a = -0.5;
  x = std::fabs(x);
  if (x < 1) return (a + 2) * x * x * x - (a + 3) * x * x + 1;
  if (x < 2) return a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a;
  return 0;
}

// One value of one channel: byte(i) is the input at i of `in` along the axis that becomes `out` long.
template <class ByteAt>
std::uint8_t value_at(int x, int in, int out, ByteAt byte) {
  const double scale = static_cast<double>(in) / out;
  const double centre = (x + 0.5) * scale;
  const double support = 2 * std::max(scale, 1.0);
  const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
  const int end = std::min(static_cast<int>(centre + support + 0.5), in);
  double sum = 0;
  for (int i = first; i < end; ++i) sum += filter((i - centre + 0.5) / std::max(scale, 1.0));
  std::int64_t total = 1 << 21;
  for (int i = first; i < end; ++i) {
    const double weight = filter((i - centre + 0.5) / std::max(scale, 1.0)) / sum;
    total += std::llround(weight * (1 << 22)) * byte(i);
  }
  return static_cast<std::uint8_t>(std::clamp<std::int64_t>(total >> 22, 0, 255));
}

}  // namespace

std::vector<std::uint8_t> literal_resize_and_crop(const Image& image, int size) {
  const int shorter = std::min(image.width, image.height);
  const int width = static_cast<int>(static_cast<double>(size) * image.width / shorter);
  const int height = static_cast<int>(static_cast<double>(size) * image.height / shorter);
  Image wide(width, image.height);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < 3 * width; ++x) {
      wide.row(y)[x] = value_at(x / 3, image.width, width, [&](int i) { return image.row(y)[3 * i + x % 3]; });
    }
  }
  Image resized(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < 3 * width; ++x) {
      resized.row(y)[x] = value_at(y, image.height, height, [&](int i) { return wide.row(i)[x]; });
    }
  }
  const int left = static_cast<int>(std::nearbyint((width - size) / 2.0));  // halves to even
  const int top = static_cast<int>(std::nearbyint((height - size) / 2.0));
  std::vector<std::uint8_t> planes;
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x) planes.push_back(resized.row(top + y)[3 * (left + x) + c]);
    }
  }
  return planes;
}

}  // namespace glint::test
