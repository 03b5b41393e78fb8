#include "support/literal_augment.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <numbers>

namespace glint::test {

namespace {

// (x, y, channel) -> byte.
using ValueAt = std::function<int(int, int, int)>;

Image picture_of(const Image& size, const ValueAt& value) {
  Image out(size.width, size.height);
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < 3 * out.width; ++x) out.row(y)[x] = static_cast<std::uint8_t>(value(x / 3, y, x % 3));
  }
  return out;
}

int luma(const Image& image, int x, int y) {
  const auto* p = image.row(y) + 3 * x;
  return (19595 * p[0] + 38470 * p[1] + 7471 * p[2] + 32768) >> 16;
}

int mean_luma(const Image& image) {
  double sum = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) sum += luma(image, x, y);
  }
  return static_cast<int>(sum / (static_cast<double>(image.width) * image.height) + 0.5);
}

int smoothed(const Image& image, int x, int y, int c) {
  if (x == 0 || y == 0 || x == image.width - 1 || y == image.height - 1) return image.row(y)[3 * x + c];
  double sum = 0;
  for (int dy = -1; dy <= 1; ++dy) {
    for (int dx = -1; dx <= 1; ++dx) sum += (dx == 0 && dy == 0 ? 5 : 1) * image.row(y + dy)[3 * (x + dx) + c];
  }
  return static_cast<int>(sum / 13 + 0.5);
}

Image enhanced(const Image& image, double argument, const ValueAt& ground) {
  const auto factor = static_cast<float>(argument);
  return picture_of(image, [&](int x, int y, int c) {
    const auto g = static_cast<float>(ground(x, y, c));
    volatile const float product = factor * (static_cast<float>(image.row(y)[3 * x + c]) - g);  // rounded by itself
    return static_cast<int>(std::clamp(g + product, 0.0F, 255.0F));
  });
}

Image mapped(const Image& image, const std::function<int(int)>& function) {
  return picture_of(image, [&](int x, int y, int c) { return function(image.row(y)[3 * x + c]); });
}

std::vector<int> sorted_channel(const Image& image, int c) {
  std::vector<int> values;
  for (std::size_t i = static_cast<std::size_t>(c); i < image.rgb.size(); i += 3) values.push_back(image.rgb[i]);
  std::sort(values.begin(), values.end());
  return values;
}

Image auto_contrasted(const Image& image) {
  const std::vector<int> channels[] = {sorted_channel(image, 0), sorted_channel(image, 1), sorted_channel(image, 2)};
  return picture_of(image, [&](int x, int y, int c) {
    const int low = channels[c].front(), high = channels[c].back(), value = image.row(y)[3 * x + c];
    if (low == high) return value;
    const double scale = 255.0 / (high - low);
    volatile const double offset = low * scale, scaled = value * scale;
    return std::clamp(static_cast<int>(scaled - offset), 0, 255);
  });
}

Image equalized(const Image& image) {
  const std::vector<int> channels[] = {sorted_channel(image, 0), sorted_channel(image, 1), sorted_channel(image, 2)};
  return picture_of(image, [&](int x, int y, int c) {
    const auto& values = channels[c];
    const int value = image.row(y)[3 * x + c];
    const auto below_highest = std::lower_bound(values.begin(), values.end(), values.back()) - values.begin();
    const auto below = std::lower_bound(values.begin(), values.end(), value) - values.begin();
    const auto step = below_highest / 255;
    return step == 0 ? value : static_cast<int>(std::min<std::int64_t>(255, (step / 2 + below) / step));
  });
}

double cubic(double v1, double v2, double v3, double v4, double d) {
  const double p2 = v3 - v1;
  const double p3 = 2 * (v1 - v2) + v3 - v4;
  const double p4 = v2 - v1 - v3 + v4;
  return v2 + d * (p2 + d * (p3 + d * p4));
}

Image moved(const Image& image, const double (&m)[6]) {
  const auto byte = [&](int x, int y, int c) {
    return image.row(std::clamp(y, 0, image.height - 1))[3 * std::clamp(x, 0, image.width - 1) + c];
  };
  return picture_of(image, [&](int x, int y, int c) {
    const double at_x = m[0] * (x + 0.5) + m[1] * (y + 0.5) + m[2], at_y = m[3] * (x + 0.5) + m[4] * (y + 0.5) + m[5];
    if (at_x < 0 || at_x >= image.width || at_y < 0 || at_y >= image.height) return 128;
    const int left = static_cast<int>(std::floor(at_x - 0.5)), top = static_cast<int>(std::floor(at_y - 0.5));
    double rows[4];
    for (int r = 0; r < 4; ++r) {
      rows[r] = cubic(byte(left - 1, top - 1 + r, c), byte(left, top - 1 + r, c), byte(left + 1, top - 1 + r, c),
                      byte(left + 2, top - 1 + r, c), at_x - 0.5 - left);
    }
    return static_cast<int>(std::clamp(cubic(rows[0], rows[1], rows[2], rows[3], at_y - 0.5 - top), 0.0, 255.0));
  });
}

Image rotated(const Image& image, double degrees) {
  const auto rounded = [](double value) {
    char text[64];
    std::snprintf(text, sizeof text, "%.15f", value);
    return std::strtod(text, nullptr);
  };
  const double radians = -(std::fmod(degrees + 360, 360) * (std::numbers::pi / 180));
  const double a = rounded(std::cos(radians)), b = rounded(std::sin(radians));
  const double x = image.width / 2.0, y = image.height / 2.0;
  return moved(image, {a, b, a * -x + b * -y + x, -b, a, -b * -x + a * -y + y});
}

}  // namespace

Image literal_augment(const Image& image, AugmentOp op, double v) {
  const int whole = static_cast<int>(v);
  switch (op) {
    case AugmentOp::kAutoContrast:
      return auto_contrasted(image);
    case AugmentOp::kEqualize:
      return equalized(image);
    case AugmentOp::kInvert:
      return mapped(image, [](int x) { return 255 - x; });
    case AugmentOp::kRotate:
      return rotated(image, v);
    case AugmentOp::kPosterize:
      return mapped(image, [&](int x) { return x >> (8 - whole) << (8 - whole); });
    case AugmentOp::kSolarize:
      return mapped(image, [&](int x) { return x >= whole ? 255 - x : x; });
    case AugmentOp::kSolarizeAdd:
      return mapped(image, [&](int x) { return x < 128 ? std::min(255, x + whole) : x; });
    case AugmentOp::kColor:
      return enhanced(image, v, [&](int x, int y, int) { return luma(image, x, y); });
    case AugmentOp::kContrast:
      return enhanced(image, v, [mean = mean_luma(image)](int, int, int) { return mean; });
    case AugmentOp::kBrightness:
      return enhanced(image, v, [](int, int, int) { return 0; });
    case AugmentOp::kSharpness:
      return enhanced(image, v, [&](int x, int y, int c) { return smoothed(image, x, y, c); });
    case AugmentOp::kShearX:
      return moved(image, {1, v, 0, 0, 1, 0});
    case AugmentOp::kShearY:
      return moved(image, {1, 0, 0, v, 1, 0});
    case AugmentOp::kTranslateX:
      return moved(image, {1, 0, v * image.width, 0, 1, 0});
    case AugmentOp::kTranslateY:
      return moved(image, {1, 0, 0, 0, 1, v * image.height});
  }
  return {};
}

}  // namespace glint::test
