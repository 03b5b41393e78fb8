#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "media/resize_taps.h"

namespace glint {

// The two passes of a resize, compiled for several kinds of CPU. R outputs a side; all kinds give the same bytes.
constexpr std::int64_t kBlockRows = 16;  // rows that `across` takes at once
constexpr std::int64_t kRowStep = 96;    // values that `down` takes at once: 3 * R where 32 divides R
using RowBlock = std::array<const std::uint8_t*, kBlockRows>;

struct ResizePasses {
  const char* cpu;  // "avx2"
  // 16 rows of R, G, B from the first pixel that `taps` needs on -> as many rows `stride` values apart, planes of R
  // bytes one after the other, written up to the next multiple of 16. Room needed: `columns` [C * 3, 16] for C pixels
  // of a row, `weighed` [3 * R rounded up to 16, 16].
  void (*across)(const RowBlock& rows, const ResizeTaps& taps, std::int16_t* columns, std::uint8_t* weighed,
                 std::int16_t* out, std::int64_t stride);
  // `count` rows of `stride` bytes (a multiple of kRowStep) -> one.
  void (*down)(const std::int16_t* rows, std::int64_t stride, const std::int32_t* weights, std::int64_t count,
               std::uint8_t* out);
};

// Those that this CPU runs, the fastest first.
std::vector<ResizePasses> resize_passes();

}  // namespace glint
