#include "support/literal_resize.h"

#include <algorithm>
#include <cmath>

namespace glint::test {

namespace {

struct Filter {
  double (*weight)(double);
  int support;
};

double cubic(double x) {
  const double a = -0.5;
  x = std::fabs(x);
  if (x < 1) return (a + 2) * x * x * x - (a + 3) * x * x + 1;
  if (x < 2) return a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a;
  return 0;
}

double triangle(double x) {
  x = std::fabs(x);
  return x < 1 ? 1 - x : 0;
}

// One value of one channel: byte(i) is the input at i of `in` along the axis that becomes `out` long.
template <class ByteAt>
std::uint8_t value_at(const Filter& filter, int x, int in, int out, ByteAt byte) {
  const double scale = static_cast<double>(in) / out;
  const double centre = (x + 0.5) * scale;
  const double support = filter.support * std::max(scale, 1.0);
  const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
  const int end = std::min(static_cast<int>(centre + support + 0.5), in);
  double sum = 0;
  for (int i = first; i < end; ++i) sum += filter.weight((i - centre + 0.5) / std::max(scale, 1.0));
  std::int64_t total = 1 << 21;
  for (int i = first; i < end; ++i) {
    const double weight = filter.weight((i - centre + 0.5) / std::max(scale, 1.0)) / sum;
    total += std::llround(weight * (1 << 22)) * byte(i);
  }
  return static_cast<std::uint8_t>(std::clamp<std::int64_t>(total >> 22, 0, 255));
}

Image resized(const Image& image, const Filter& filter, int width, int height) {
  Image wide(width, image.height);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < 3 * width; ++x) {
      wide.row(y)[x] = value_at(filter, x / 3, image.width, width, [&](int i) { return image.row(y)[3 * i + x % 3]; });
    }
  }
  Image out(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < 3 * width; ++x) {
      out.row(y)[x] = value_at(filter, y, image.height, height, [&](int i) { return wide.row(i)[x]; });
    }
  }
  return out;
}

Image cut(const Image& image, const CropBox& box) {
  Image out(box.width, box.height);
  for (int y = 0; y < box.height; ++y) {
    for (int x = 0; x < 3 * box.width; ++x) out.row(y)[x] = image.row(box.top + y)[3 * box.left + x];
  }
  return out;
}

std::vector<std::uint8_t> planes_of(const Image& image, bool mirrored) {
  std::vector<std::uint8_t> planes;
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < image.width; ++x) {
        planes.push_back(image.row(y)[3 * (mirrored ? image.width - 1 - x : x) + c]);
      }
    }
  }
  return planes;
}

}  // namespace

std::vector<std::uint8_t> literal_resize_and_crop(const Image& image, int size) {
  const int shorter = std::min(image.width, image.height);
  const int width = static_cast<int>(static_cast<double>(size) * image.width / shorter);
  const int height = static_cast<int>(static_cast<double>(size) * image.height / shorter);
  CropBox box;
  box.left = static_cast<int>(std::nearbyint((width - size) / 2.0));  // halves to even
  box.top = static_cast<int>(std::nearbyint((height - size) / 2.0));
  box.width = box.height = size;
  return planes_of(cut(resized(image, {cubic, 2}, width, height), box), /*mirrored=*/false);
}

std::vector<std::uint8_t> literal_squash(const Image& image, int size) {
  return planes_of(resized(image, {cubic, 2}, size, size), /*mirrored=*/false);
}

std::vector<std::uint8_t> literal_resized_box(const Image& image, const CropBox& box, int size) {
  return planes_of(resized(cut(image, box), {triangle, 1}, size, size), box.mirrored);
}

}  // namespace glint::test
