#include "media/augment_kernels.h"

#include <bit>
#include <cstring>
#include <type_traits>

// What follows is plain C++ that the compiler turns into vectors; it is inlined into one function for each kind of CPU.
// No multiplication is fused with an addition (see CMakeLists.txt): that would be another last bit, and cutting off
// makes another byte of it.
#define GLINT_INLINE inline __attribute__((always_inline))

namespace glint {

namespace {

constexpr int kRun = 32;  // pixels that are made together
constexpr std::uint8_t kFill = 128;

// Of one run of output pixels.
using Words = std::uint32_t[kRun];
using Whole = std::int32_t[kRun];
using Lanes = double[kRun];
using ChannelLanes = double[3][kRun];

// Four neighbours of each pixel, from pixel first[n] of the picture on: side by side, or one below the other.
struct RowNeighbours {
  std::uint32_t words[kRun][4] = {};

  GLINT_INLINE void fetch(const std::uint32_t* picture, const Whole& first, std::int64_t, int count) {
    for (int n = 0; n < count; ++n) std::memcpy(words[n], picture + first[n], sizeof words[n]);
  }
  GLINT_INLINE std::uint32_t word(int i, int n) const { return words[n][i]; }
};
struct ColumnNeighbours {
  Words words[4] = {};

  GLINT_INLINE void fetch(const std::uint32_t* picture, const Whole& first, std::int64_t stride, int count) {
    for (int i = 0; i < 4; ++i) {
      for (int n = 0; n < count; ++n) words[i][n] = picture[i * stride + first[n]];
    }
  }
  GLINT_INLINE std::uint32_t word(int i, int n) const { return words[i][n]; }
};

// The cubic with a = -1 through four values, `t` of the way from the second to the third. In differences, so that equal
// values give themselves; Pillow's order of operations.
GLINT_INLINE double cubic(double a, double b, double c, double d, double t) {
  return b + t * ((c - a) + t * ((2 * (a - b) + c - d) + t * (b - a - c + d)));
}

// The same of a byte each of four words, whose differences are whole numbers.
GLINT_INLINE double cubic(std::uint32_t wa, std::uint32_t wb, std::uint32_t wc, std::uint32_t wd, int shift, double t) {
  const auto byte = [shift](std::uint32_t word) { return static_cast<int>((word >> shift) & 255); };
  const int a = byte(wa), b = byte(wb), c = byte(wc), d = byte(wd);
  const int bend = (a - b) + (c - d);
  return b + t * ((c - a) + t * ((a - b + bend) + t * -bend));
}

template <class Neighbours>
GLINT_INLINE void weigh(const Neighbours& neighbours, const Lanes& at, ChannelLanes& out) {
  for (int n = 0; n < kRun; ++n) {
    const auto a = neighbours.word(0, n), b = neighbours.word(1, n), c = neighbours.word(2, n),
               d = neighbours.word(3, n);
    out[0][n] = cubic(a, b, c, d, 0, at[n]);
    out[1][n] = cubic(a, b, c, d, 8, at[n]);
    out[2][n] = cubic(a, b, c, d, 16, at[n]);
  }
}

GLINT_INLINE int floor_of(double value) {
  const int cut = static_cast<int>(value);
  return cut - (value < cut ? 1 : 0);
}

// Where the pixels of one row of the output come from.
struct RowPoints {
  const AffineMap& map;
  double y;  // the row's middle

  GLINT_INLINE double x_of(int x) const { return map.a * (x + 0.5) + map.b * y + map.c; }
  GLINT_INLINE double y_of(int x) const { return map.d * (x + 0.5) + map.e * y + map.f; }
  GLINT_INLINE bool inside(int x, const Image& from) const {
    const double at_x = x_of(x), at_y = y_of(x);
    return at_x >= 0 && at_x < from.width && at_y >= 0 && at_y < from.height;
  }
};

GLINT_INLINE std::uint32_t cut_to_byte(double value) {
  return static_cast<std::uint32_t>(std::clamp(static_cast<int>(value), 0, 255));
}

GLINT_INLINE void store(const ChannelLanes& values, int count, std::uint8_t* out) {
  Words words;
  for (int n = 0; n < kRun; ++n) {
    words[n] = cut_to_byte(values[0][n]) | cut_to_byte(values[1][n]) << 8 | cut_to_byte(values[2][n]) << 16;
  }
  for (int n = 0; n + 1 < count; ++n) std::memcpy(out + 3 * n, &words[n], 4);  // the next one writes over the 4th
  std::memcpy(out + 3 * (count - 1), &words[count - 1], 3);
}

// A map that moves pixels along one axis alone (kAcross or kDown) needs one cubic, and the other one would give the
// same bits: its point stands on a pixel's middle.
template <bool kAcross, bool kDown>
struct AffineRuns {
  const PaddedPicture& from;
  std::conditional_t<kAcross, RowNeighbours, ColumnNeighbours> neighbours[kAcross && kDown ? 4 : 1] = {};

  // `count` pixels from x on.
  GLINT_INLINE void make(const RowPoints& points, int x, int count, std::uint8_t* out) {
    Whole first;         // the first neighbour
    Lanes right, below;  // how far the point is from the middle before it
    for (int n = 0; n < kRun; ++n) {
      const double at_x = points.x_of(x + n) - 0.5, at_y = points.y_of(x + n) - 0.5;
      const int whole_x = floor_of(at_x), whole_y = floor_of(at_y);
      right[n] = at_x - whole_x;
      below[n] = at_y - whole_y;
      first[n] = from.index(whole_x - (kAcross ? 1 : 0), whole_y - (kDown ? 1 : 0));
    }
    ChannelLanes result;
    if constexpr (kAcross && kDown) {
      ChannelLanes rows[4];
      for (int r = 0; r < 4; ++r) {
        neighbours[r].fetch(from.pixels.data() + r * from.stride, first, from.stride, count);
        weigh(neighbours[r], right, rows[r]);
      }
      for (int c = 0; c < 3; ++c) {
        for (int n = 0; n < kRun; ++n) {
          result[c][n] = cubic(rows[0][c][n], rows[1][c][n], rows[2][c][n], rows[3][c][n], below[n]);
        }
      }
    } else {
      neighbours[0].fetch(from.pixels.data(), first, from.stride, count);
      weigh(neighbours[0], kAcross ? right : below, result);
    }
    store(result, count, out);
  }
};

template <bool kAcross, bool kDown>
GLINT_INLINE void affine_rows(const Image& from, const PaddedPicture& padded, const AffineMap& map, Image& to) {
  AffineRuns<kAcross, kDown> runs{padded};
  for (int y = 0; y < to.height; ++y) {
    const RowPoints points{map, y + 0.5};
    // Points move along a line: those inside stand together.
    int begin = 0, end = to.width;
    while (begin < end && !points.inside(begin, from)) ++begin;
    while (begin < end && !points.inside(end - 1, from)) --end;
    auto* row = to.row(y);
    std::memset(row, kFill, std::size_t{3} * begin);
    for (int x = begin; x < end; x += kRun) runs.make(points, x, std::min(kRun, end - x), row + 3 * x);
    std::memset(row + std::size_t{3} * end, kFill, std::size_t{3} * (to.width - end));
  }
}

GLINT_INLINE void pad(const Image& image, PaddedPicture& padded) {
  static_assert(std::endian::native == std::endian::little);
  constexpr int kBorder = PaddedPicture::kBorder;
  const int last = image.width - 1;
  padded.resize(image.width, image.height);
  for (int y = -kBorder; y < image.height + kBorder; ++y) {
    const auto* row = image.row(std::clamp(y, 0, image.height - 1));
    auto* out = padded.pixels.data() + padded.index(0, y);
    for (int x = 0; x < last; ++x) std::memcpy(out + x, row + 3 * x, 4);
    std::memcpy(out + last, row + 3 * last, 3);  // nothing is read past the picture's end
    for (int b = 1; b <= kBorder; ++b) {
      out[-b] = out[0];
      out[last + b] = out[last];
    }
  }
}

GLINT_INLINE void affine(const Image& from, const AffineMap& map, PaddedPicture& padded, Image& to) {
  pad(from, padded);
  const bool across = map.a != 1 || map.b != 0 || map.c != 0;
  const bool down = map.d != 0 || map.e != 1 || map.f != 0;
  if (across && down) {
    affine_rows<true, true>(from, padded, map, to);
  } else if (across) {
    affine_rows<true, false>(from, padded, map, to);
  } else {
    affine_rows<false, true>(from, padded, map, to);
  }
}

constexpr int kGreyRun = 64;  // pixels whose luma is made together

GLINT_INLINE void luma_of(const std::uint8_t* rgb, int pixels, std::uint8_t* luma) {
  for (int i = 0; i < pixels; ++i) {
    const auto weighed = 19595U * rgb[3 * i] + 38470U * rgb[3 * i + 1] + 7471U * rgb[3 * i + 2];
    luma[i] = static_cast<std::uint8_t>((weighed + 32768) >> 16);
  }
}

GLINT_INLINE void color(const Image& from, float factor, Image& to) {
  const auto pixels = static_cast<std::int64_t>(from.width) * from.height;
  for (std::int64_t at = 0; at < pixels; at += kGreyRun) {
    const int count = static_cast<int>(std::min<std::int64_t>(kGreyRun, pixels - at));
    std::uint8_t luma[kGreyRun];
    std::uint8_t grey[3 * kGreyRun];
    const auto* in = from.rgb.data() + 3 * at;
    auto* out = to.rgb.data() + 3 * at;
    luma_of(in, count, luma);
    for (int i = 0; i < count; ++i) grey[3 * i] = grey[3 * i + 1] = grey[3 * i + 2] = luma[i];
    for (int i = 0; i < 3 * count; ++i) out[i] = blended(grey[i], in[i], factor);
  }
}

GLINT_INLINE std::uint64_t luma_sum(const Image& image) {
  const auto pixels = static_cast<std::int64_t>(image.width) * image.height;
  std::uint64_t sum = 0;
  for (std::int64_t at = 0; at < pixels; at += kGreyRun) {
    const int count = static_cast<int>(std::min<std::int64_t>(kGreyRun, pixels - at));
    std::uint8_t luma[kGreyRun];
    luma_of(image.rgb.data() + 3 * at, count, luma);
    std::uint32_t part = 0;
    for (int i = 0; i < count; ++i) part += luma[i];
    sum += part;
  }
  return sum;
}

// The kernel (1 1 1 / 1 5 1 / 1 1 1) / 13, rounded; 13 has no halves, so whole numbers say it exactly. The outermost
// pixels are smooth as they are.
GLINT_INLINE void sharpness(const Image& from, float factor, Image& to) {
  const int bytes = 3 * from.width;
  for (int y = 0; y < from.height; ++y) {
    const auto* row = from.row(y);
    auto* out = to.row(y);
    if (y == 0 || y == from.height - 1 || from.width < 3) {
      std::memcpy(out, row, static_cast<std::size_t>(bytes));
      continue;
    }
    const auto *above = from.row(y - 1), *below = from.row(y + 1);
    std::memcpy(out, row, 3);
    std::memcpy(out + bytes - 3, row + bytes - 3, 3);
    for (int i = 3; i < bytes - 3; ++i) {
      const auto sum = static_cast<std::uint16_t>(above[i - 3] + above[i] + above[i + 3] + row[i - 3] + 5 * row[i] +
                                                  row[i + 3] + below[i - 3] + below[i] + below[i + 3] + 6);
      out[i] = blended(sum / 13, row[i], factor);
    }
  }
}

#define GLINT_KERNELS(cpu, attribute)                                                                      \
  attribute void affine_##cpu(const Image& from, const AffineMap& map, PaddedPicture& padded, Image& to) { \
    affine(from, map, padded, to);                                                                         \
  }                                                                                                        \
  attribute void color_##cpu(const Image& from, float factor, Image& to) {                                 \
    color(from, factor, to);                                                                               \
  }                                                                                                        \
  attribute void sharpness_##cpu(const Image& from, float factor, Image& to) {                             \
    sharpness(from, factor, to);                                                                           \
  }                                                                                                        \
  attribute std::uint64_t luma_sum_##cpu(const Image& image) {                                             \
    return luma_sum(image);                                                                                \
  }                                                                                                        \
  constexpr AugmentKernels kernels_##cpu = {#cpu, affine_##cpu, color_##cpu, sharpness_##cpu, luma_sum_##cpu};

GLINT_KERNELS(any, )
#ifdef __x86_64__
GLINT_KERNELS(avx2, __attribute__((target("avx2"))))
GLINT_KERNELS(avx512, __attribute__((target("avx512f,avx512bw,avx512vl"))))
#endif

}  // namespace

std::vector<AugmentKernels> augment_kernels() {
  std::vector<AugmentKernels> kernels;
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
    kernels.push_back(kernels_avx512);
  }
  if (__builtin_cpu_supports("avx2")) kernels.push_back(kernels_avx2);
#endif
  kernels.push_back(kernels_any);
  return kernels;
}

}  // namespace glint
