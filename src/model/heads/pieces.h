#pragma once

#include <cstdint>

// Heads that score by kernels cut the matrix [A, B] into pieces, which threads take one after the other.

namespace glint {

inline constexpr int64_t kPiecesAThread = 4;  // at least, so that no thread waits long for the last one

inline int64_t divide_up(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace glint
