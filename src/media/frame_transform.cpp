#include "glint/media/frame_transform.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "glint/core/error.h"
#include "media/resize_taps.h"

// The rows and columns of the picture that the crop keeps go through two passes, both rounded to bytes as Pillow does.
// Along the rows a vector holds the same byte of kBlockRows rows, so that one coefficient serves a whole vector and no
// lane is ever gathered: blocks of rows are transposed before and after. Down the columns that is so by itself.
//
//   image rows -> [C * 3, 16] bytes of a block -> [3 * R, 16] -> rows [H, 3 * R], planes one after the other -> out

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define GLINT_FOR_EACH_CPU __attribute__((target_clones("avx512f", "avx2", "sse4.1", "default")))
#else
#define GLINT_FOR_EACH_CPU
#endif
#define GLINT_INLINE inline __attribute__((always_inline))  // so that it is compiled for each CPU as well

namespace glint {

namespace {

constexpr int kBlockRows = 16;
constexpr int kColumnStep = 32;  // bytes of a row at once in the vertical pass

using Bytes16 = std::uint8_t __attribute__((vector_size(16)));
using Block = std::array<Bytes16, 16>;

GLINT_INLINE void transpose(Block& block) {
  for (int round = 0; round < 4; ++round) {
    Block next;
    for (int i = 0; i < 8; ++i) {
      next[2 * i] =
          __builtin_shufflevector(block[i], block[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      next[2 * i + 1] =
          __builtin_shufflevector(block[i], block[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    block = next;
  }
}

// out[n] = the sum over t of weights[t] * bytes[t * stride + n], rounded and clipped to a byte. Sums fit 32 bits: the
// weights' positive parts add up to less than 1.3.
template <int N>
GLINT_INLINE void weigh(const std::uint8_t* bytes, std::int64_t stride, const std::int32_t* weights, std::int64_t count,
                        std::uint8_t* out) {
  std::int32_t sums[N];
  for (int n = 0; n < N; ++n) sums[n] = 1 << (kTapBits - 1);
  for (std::int64_t t = 0; t < count; ++t) {
    const std::int32_t weight = weights[t];
    for (int n = 0; n < N; ++n) sums[n] += weight * bytes[t * stride + n];
  }
  for (int n = 0; n < N; ++n) out[n] = static_cast<std::uint8_t>(std::clamp(sums[n] >> kTapBits, 0, 255));
}

// 16 rows of `bytes` bytes -> [bytes, 16].
GLINT_FOR_EACH_CPU void rows_to_columns(const std::array<const std::uint8_t*, kBlockRows>& rows, std::int64_t bytes,
                                        std::uint8_t* columns) {
  for (std::int64_t at = 0; at < bytes; at += 16) {
    const auto width = static_cast<std::size_t>(std::min<std::int64_t>(bytes - at, 16));
    Block block = {};
    for (int r = 0; r < kBlockRows; ++r) {
      if (width == 16) {
        std::memcpy(&block[r], rows[r] + at, 16);
      } else {
        std::memcpy(&block[r], rows[r] + at, width);  // never past the picture's end
      }
    }
    transpose(block);
    std::memcpy(columns + at * 16, block.data(), width * 16);
  }
}

// [bytes, 16] -> 16 rows `stride` bytes apart, each written up to the next multiple of 16.
GLINT_FOR_EACH_CPU void columns_to_rows(const std::uint8_t* columns, std::int64_t bytes, std::uint8_t* rows,
                                        std::int64_t stride) {
  for (std::int64_t at = 0; at < bytes; at += 16) {
    Block block;
    std::memcpy(block.data(), columns + at * 16, sizeof block);
    transpose(block);
    for (int r = 0; r < kBlockRows; ++r) std::memcpy(rows + r * stride + at, &block[r], 16);
  }
}

// [C * 3, 16] -> [3 * R, 16]: pixels become planes on the way.
GLINT_FOR_EACH_CPU void weigh_columns(const std::uint8_t* columns, const ResizeTaps& taps, std::int64_t size,
                                      std::uint8_t* out) {
  for (std::int64_t x = 0; x < size; ++x) {
    std::uint8_t pixel[3 * kBlockRows];
    weigh<3 * kBlockRows>(columns + taps.first[x] * 3 * kBlockRows, 3 * kBlockRows, &taps.weights[x * taps.stride],
                          taps.count[x], pixel);
    for (int c = 0; c < 3; ++c) std::memcpy(out + (c * size + x) * kBlockRows, pixel + c * kBlockRows, kBlockRows);
  }
}

// Rows [count, stride] -> one row of `stride` bytes.
GLINT_FOR_EACH_CPU void weigh_rows(const std::uint8_t* rows, std::int64_t stride, const std::int32_t* weights,
                                   std::int64_t count, std::uint8_t* out) {
  for (std::int64_t at = 0; at < stride; at += kColumnStep)
    weigh<kColumnStep>(rows + at, stride, weights, count, out + at);
}

std::int64_t round_up(std::int64_t value, std::int64_t step) {
  return (value + step - 1) / step * step;
}

// Half of an even difference; of an odd one the neighbour that is even, as Python rounds.
std::int64_t crop_offset(std::int64_t resized, std::int64_t size) {
  const auto half = (resized - size) / 2;
  return (resized - size) % 2 == 0 ? half : half + half % 2;
}

}  // namespace

struct FrameTransform::Impl {
  std::int64_t size;
  int width = 0;  // of the pictures that the tables are for
  int height = 0;
  ResizeTaps across;
  ResizeTaps down;
  std::int64_t stride = 0;             // of `rows`
  std::vector<std::uint8_t> columns;   // [C * 3, 16] of a block
  std::vector<std::uint8_t> weighed;   // [3 * R, 16]
  std::vector<std::uint8_t> rows;      // [H, stride]: the horizontal pass's result
  std::vector<std::uint8_t> finished;  // [stride]: a row of the vertical pass

  void prepare(int new_width, int new_height) {
    width = new_width;
    height = new_height;
    const auto shorter = std::min<std::int64_t>(width, height);
    across = taps_of_side(width, shorter);
    down = taps_of_side(height, shorter);
    stride = round_up(3 * size, kColumnStep);
    columns.resize(static_cast<std::size_t>(3 * (across.end - across.begin) * kBlockRows));
    weighed.resize(static_cast<std::size_t>(stride * kBlockRows));
    rows.resize(static_cast<std::size_t>(round_up(down.end - down.begin, kBlockRows) * stride));
    finished.resize(static_cast<std::size_t>(stride));
  }

  ResizeTaps taps_of_side(std::int64_t side, std::int64_t shorter) const {
    const auto resized = size * side / shorter;  // truncated
    return resize_taps(side, resized, crop_offset(resized, size), size);
  }

  void horizontal_pass(const Image& image) {
    for (auto y = down.begin; y < down.end; y += kBlockRows) {
      std::array<const std::uint8_t*, kBlockRows> block;
      for (int r = 0; r < kBlockRows; ++r) {  // past the last row: that row again, its result is not used
        block[r] = image.row(static_cast<int>(std::min(y + r, down.end - 1))) + 3 * across.begin;
      }
      rows_to_columns(block, 3 * (across.end - across.begin), columns.data());
      weigh_columns(columns.data(), across, size, weighed.data());
      columns_to_rows(weighed.data(), 3 * size, rows.data() + (y - down.begin) * stride, stride);
    }
  }

  void vertical_pass(std::uint8_t* out) {
    for (std::int64_t y = 0; y < size; ++y) {
      weigh_rows(rows.data() + down.first[y] * stride, stride, &down.weights[y * down.stride], down.count[y],
                 finished.data());
      for (int c = 0; c < 3; ++c) std::copy_n(finished.data() + c * size, size, out + (c * size + y) * size);
    }
  }
};

FrameTransform::FrameTransform(int size) : impl_(std::make_unique<Impl>()) {
  GLINT_CHECK(size > 0, "size ", size);
  impl_->size = size;
}
FrameTransform::~FrameTransform() = default;
FrameTransform::FrameTransform(FrameTransform&&) noexcept = default;
FrameTransform& FrameTransform::operator=(FrameTransform&&) noexcept = default;

void FrameTransform::apply(const Image& image, std::uint8_t* out) {
  GLINT_CHECK(image.width > 0 && image.height > 0, image.width, " x ", image.height);
  GLINT_CHECK(image.rgb.size() == std::size_t{3} * image.width * image.height, image.rgb.size(), " bytes");
  if (image.width != impl_->width || image.height != impl_->height) impl_->prepare(image.width, image.height);
  impl_->horizontal_pass(image);
  impl_->vertical_pass(out);
}

}  // namespace glint
