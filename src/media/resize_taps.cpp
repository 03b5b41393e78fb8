#include "media/resize_taps.h"

#include <algorithm>
#include <cmath>

namespace glint {

namespace {

double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double bilinear(double x) {
  return std::max(0.0, 1 - std::abs(x));
}

double weight_of(ResizeFilter filter, double x) {
  return filter == ResizeFilter::kBicubic ? bicubic(x) : bilinear(x);
}

struct Window {
  std::int64_t first;
  std::vector<std::int32_t> weights;  // without zeros at its ends
};

Window window_of_output(ResizeFilter filter, std::int64_t size, double scale, std::int64_t output) {
  const double widen = std::max(scale, 1.0);
  const double support = (filter == ResizeFilter::kBicubic ? 2 : 1) * widen;
  const double centre = (static_cast<double>(output) + 0.5) * scale;
  const auto first = std::max<std::int64_t>(static_cast<std::int64_t>(centre - support + 0.5), 0);
  const auto end = std::min(static_cast<std::int64_t>(centre + support + 0.5), size);
  std::vector<double> exact;
  double sum = 0;
  for (auto i = first; i < end; ++i) {
    exact.push_back(weight_of(filter, (static_cast<double>(i) - centre + 0.5) * (1 / widen)));
    sum += exact.back();
  }
  Window window = {first, {}};
  for (const double weight : exact) {  // half away from zero
    window.weights.push_back(static_cast<std::int32_t>(std::round(weight / sum * (1 << kTapBits))));
  }
  while (window.weights.back() == 0) window.weights.pop_back();
  const auto used = std::find_if(window.weights.begin(), window.weights.end(), [](auto weight) { return weight != 0; });
  window.first += used - window.weights.begin();
  window.weights.erase(window.weights.begin(), used);
  return window;
}

}  // namespace

ResizeTaps resize_taps(ResizeFilter filter, std::int64_t size, std::int64_t resized, std::int64_t crop,
                       std::int64_t outputs) {
  const double scale = static_cast<double>(size) / static_cast<double>(resized);
  std::vector<Window> windows;
  for (std::int64_t i = 0; i < outputs; ++i) windows.push_back(window_of_output(filter, size, scale, crop + i));

  ResizeTaps taps;
  taps.begin = size;
  for (const auto& window : windows) {
    taps.begin = std::min(taps.begin, window.first);
    taps.end = std::max(taps.end, window.first + std::ssize(window.weights));
    taps.stride = std::max<std::int64_t>(taps.stride, std::ssize(window.weights));
  }
  taps.weights.assign(static_cast<std::size_t>(outputs * taps.stride), 0);
  for (std::int64_t i = 0; i < outputs; ++i) {
    const auto& window = windows[static_cast<std::size_t>(i)];
    taps.first.push_back(window.first - taps.begin);
    taps.count.push_back(std::ssize(window.weights));
    std::copy(window.weights.begin(), window.weights.end(), taps.weights.begin() + i * taps.stride);
  }
  return taps;
}

ResizeTaps mirrored(const ResizeTaps& taps) {
  ResizeTaps turned = taps;
  std::reverse(turned.first.begin(), turned.first.end());
  std::reverse(turned.count.begin(), turned.count.end());
  const auto outputs = std::ssize(taps.first);
  for (std::int64_t i = 0; i < outputs; ++i) {
    std::copy_n(taps.weights.begin() + i * taps.stride, taps.stride,
                turned.weights.begin() + (outputs - 1 - i) * taps.stride);
  }
  return turned;
}

}  // namespace glint
