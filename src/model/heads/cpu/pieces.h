#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace glint::cpu {

inline int64_t divide_up(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

// Of a matrix of scores [A, B]: so many texts and so many videos.
struct PieceSizes {
  int64_t texts = 1, videos = 1;
};

// So many pieces that no thread waits long for the last one.
inline int64_t wanted_pieces() {
  return 4 * at::get_num_threads();
}

// Cuts [A, B] into pieces, which LibTorch's threads take one after the other: score(a0, num_a, b0, num_b, memory) with
// what make_memory() gave this thread. What is thrown reaches the caller.
template <class MakeMemory, class Score>
void for_each_piece(int64_t A, int64_t B, const PieceSizes& piece, const MakeMemory& make_memory, const Score& score) {
  if (A == 0 || B == 0) return;
  const auto columns = divide_up(A, piece.texts), pieces = columns * divide_up(B, piece.videos);
  const auto workers = std::min<int64_t>(at::get_num_threads(), pieces);
  std::atomic<int64_t> next{0};
  at::parallel_for(0, workers, 1, [&](int64_t begin, int64_t end) {
    for (int64_t worker = begin; worker < end; ++worker) {
      auto memory = make_memory();
      for (int64_t i = next++; i < pieces; i = next++) {
        const auto a0 = i % columns * piece.texts, b0 = i / columns * piece.videos;
        score(a0, std::min(piece.texts, A - a0), b0, std::min(piece.videos, B - b0), memory);
      }
    }
  });
}

}  // namespace glint::cpu
