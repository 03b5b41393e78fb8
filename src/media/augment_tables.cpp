#include "media/augment_tables.h"

#include <algorithm>
#include <numeric>

#include "media/augment_kernels.h"

namespace glint {

namespace {

using Histogram = std::array<std::uint32_t, 256>;

std::array<Histogram, 3> histograms(const Image& image) {
  std::array<Histogram, 3> counts = {};
  for (std::size_t i = 0; i < image.rgb.size(); i += 3) {
    for (std::size_t c = 0; c < 3; ++c) ++counts[c][image.rgb[i + c]];
  }
  return counts;
}

template <class Function>
ByteTable table_of(Function function) {
  ByteTable table;
  for (int value = 0; value < 256; ++value) {
    table[static_cast<std::size_t>(value)] = static_cast<std::uint8_t>(function(value));
  }
  return table;
}

ByteTable same() {
  return table_of([](int value) { return value; });
}

int lowest(const Histogram& counts) {
  return static_cast<int>(std::find_if(counts.begin(), counts.end(), [](auto n) { return n > 0; }) - counts.begin());
}
int highest(const Histogram& counts) {
  const auto last = std::find_if(counts.rbegin(), counts.rend(), [](auto n) { return n > 0; });
  return static_cast<int>(counts.rend() - last) - 1;
}

ByteTable auto_contrast_table(const Histogram& counts) {
  const int low = lowest(counts), high = highest(counts);
  if (low == high) return same();
  const double scale = 255.0 / (high - low);
  const double offset = low * scale;
  return table_of([&](int value) { return std::clamp(static_cast<int>(value * scale - offset), 0, 255); });
}

ByteTable equalize_table(const Histogram& counts) {
  const auto pixels = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  const auto step = (pixels - counts[static_cast<std::size_t>(highest(counts))]) / 255;
  if (step == 0) return same();
  std::uint64_t below = step / 2;
  return table_of([&](int value) {
    const auto equalized = std::min<std::uint64_t>(255, below / step);
    below += counts[static_cast<std::size_t>(value)];
    return equalized;
  });
}

}  // namespace

ByteTables auto_contrast_tables(const Image& image) {
  const auto counts = histograms(image);
  return {auto_contrast_table(counts[0]), auto_contrast_table(counts[1]), auto_contrast_table(counts[2])};
}

ByteTables equalize_tables(const Image& image) {
  const auto counts = histograms(image);
  return {equalize_table(counts[0]), equalize_table(counts[1]), equalize_table(counts[2])};
}

ByteTable invert_table() {
  return table_of([](int value) { return 255 - value; });
}

ByteTable posterize_table(int bits) {
  return table_of([&](int value) { return value & (0xFF00 >> bits); });
}

ByteTable solarize_table(int threshold) {
  return table_of([&](int value) { return value < threshold ? value : 255 - value; });
}

ByteTable solarize_add_table(int added) {
  return table_of([&](int value) { return value < 128 ? std::min(255, value + added) : value; });
}

ByteTable blend_table(int ground, float factor) {
  return table_of([&](int value) { return blended(ground, value, factor); });
}

void map_bytes(const Image& from, const ByteTables& tables, Image& to) {
  const auto* in = from.rgb.data();
  auto* out = to.rgb.data();
  for (std::size_t i = 0; i < from.rgb.size(); i += 3) {
    for (std::size_t c = 0; c < 3; ++c) out[i + c] = tables[c][in[i + c]];
  }
}

}  // namespace glint
