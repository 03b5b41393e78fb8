#include "media/resize_passes.h"

#include <algorithm>
#include <cstring>

// Along a row, a vector holds the same byte of 16 rows: one coefficient serves a whole vector and no lane is gathered.
// For that, blocks of 16 rows are transposed before and after. Down the columns it is so by itself. Between the passes
// bytes stand in 16 bits, which CPUs widen to the 32 of the sums in one instruction.
//
// What follows is plain C++ that the compiler turns into vectors; it is inlined into one function for each kind of CPU.
#define GLINT_INLINE inline __attribute__((always_inline))

namespace glint {

namespace {

using Bytes16 = std::uint8_t __attribute__((vector_size(16)));
using Block = std::array<Bytes16, 16>;

// out[n] = the sum over t of weights[t] * values[t * stride + n], rounded and clipped to a byte. The sums fit 32 bits:
// the positive weights of a window add up to less than 1.3.
template <int N>
GLINT_INLINE void weigh(const std::int16_t* values, std::int64_t stride, const std::int32_t* weights,
                        std::int64_t count, std::uint8_t* out) {
  std::int32_t sums[N];
  for (int n = 0; n < N; ++n) sums[n] = 1 << (kTapBits - 1);
  for (std::int64_t t = 0; t < count; ++t) {
    const std::int32_t weight = weights[t];
    for (int n = 0; n < N; ++n) sums[n] += weight * values[t * stride + n];
  }
  for (int n = 0; n < N; ++n) out[n] = static_cast<std::uint8_t>(std::clamp(sums[n] >> kTapBits, 0, 255));
}

// Four perfect shuffles of 16 x 16 bytes.
GLINT_INLINE void transpose(Block& block) {
#pragma GCC unroll 4
  for (int round = 0; round < 4; ++round) {
    Block next;
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      const auto a = block[i], b = block[i + 8];
      next[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      next[2 * i + 1] = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    block = next;
  }
}

// 16 rows of `bytes` bytes -> [bytes, 16].
GLINT_INLINE void rows_to_columns(const RowBlock& rows, std::int64_t bytes, std::int16_t* columns) {
  std::int64_t at = 0;
  for (; at + 16 <= bytes; at += 16) {
    Block block;
#pragma GCC unroll 16
    for (int r = 0; r < 16; ++r) std::memcpy(&block[r], rows[r] + at, 16);
    transpose(block);
    std::uint8_t flat[256];
    std::memcpy(flat, block.data(), sizeof flat);
    for (int i = 0; i < 256; ++i) columns[at * 16 + i] = flat[i];
  }
  for (; at < bytes; ++at) {  // the rest one by one: nothing is read past the picture's end
    for (int r = 0; r < 16; ++r) columns[at * 16 + r] = rows[r][at];
  }
}

// [bytes, 16] -> 16 rows `stride` values apart.
GLINT_INLINE void columns_to_rows(const std::uint8_t* columns, std::int64_t bytes, std::int16_t* rows,
                                  std::int64_t stride) {
  for (std::int64_t at = 0; at < bytes; at += 16) {
    Block block;
    std::memcpy(block.data(), columns + at * 16, sizeof block);
    transpose(block);
    std::uint8_t flat[256];
    std::memcpy(flat, block.data(), sizeof flat);
#pragma GCC unroll 16
    for (int r = 0; r < 16; ++r) {
      for (int i = 0; i < 16; ++i) rows[r * stride + at + i] = flat[16 * r + i];
    }
  }
}

GLINT_INLINE void across(const RowBlock& rows, const ResizeTaps& taps, std::int16_t* columns, std::uint8_t* weighed,
                         std::int16_t* out, std::int64_t stride) {
  constexpr int kPixel = 3 * kBlockRows;
  rows_to_columns(rows, 3 * (taps.end - taps.begin), columns);
  const auto size = std::ssize(taps.first);
  for (std::int64_t x = 0; x < size; ++x) {
    std::uint8_t pixel[kPixel];
    weigh<kPixel>(columns + taps.first[x] * kPixel, kPixel, &taps.weights[x * taps.stride], taps.count[x], pixel);
    for (int c = 0; c < 3; ++c) std::memcpy(weighed + (c * size + x) * kBlockRows, pixel + c * kBlockRows, kBlockRows);
  }
  columns_to_rows(weighed, 3 * size, out, stride);
}

GLINT_INLINE void down(const std::int16_t* rows, std::int64_t stride, const std::int32_t* weights, std::int64_t count,
                       std::uint8_t* out) {
  for (std::int64_t at = 0; at < stride; at += kRowStep) weigh<kRowStep>(rows + at, stride, weights, count, out + at);
}

#define GLINT_PASSES(cpu, attribute)                                                                    \
  attribute void across_##cpu(const RowBlock& rows, const ResizeTaps& taps, std::int16_t* columns,      \
                              std::uint8_t* weighed, std::int16_t* out, std::int64_t stride) {          \
    across(rows, taps, columns, weighed, out, stride);                                                  \
  }                                                                                                     \
  attribute void down_##cpu(const std::int16_t* rows, std::int64_t stride, const std::int32_t* weights, \
                            std::int64_t count, std::uint8_t* out) {                                    \
    down(rows, stride, weights, count, out);                                                            \
  }

GLINT_PASSES(any, )
#ifdef __x86_64__
GLINT_PASSES(avx2, __attribute__((target("avx2"))))
GLINT_PASSES(avx512, __attribute__((target("avx512f,avx512bw,avx512vl"))))
#endif

}  // namespace

std::vector<ResizePasses> resize_passes() {
  std::vector<ResizePasses> passes;
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
    passes.push_back({"avx512", across_avx512, down_avx512});
  }
  if (__builtin_cpu_supports("avx2")) passes.push_back({"avx2", across_avx2, down_avx2});
#endif
  passes.push_back({"any", across_any, down_any});
  return passes;
}

}  // namespace glint
