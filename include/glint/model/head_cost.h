#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "glint/config/head_config.h"

namespace glint {

struct HeadSizes {
  int64_t frames = 12;  // T
  int64_t words = 32;   // L
  int64_t width = 512;  // D
};

// Multiply-accumulates.
struct Macs {
  int64_t text = 0, video = 0, pair = 0;  // of one each

  int64_t all(int64_t texts, int64_t videos) const { return texts * text + videos * video + texts * videos * pair; }
};

// `times` times, `batch` products of [rows, inner] and [inner, columns].
struct MatrixProduct {
  int64_t batch = 1, rows = 1, inner = 1, columns = 1, times = 1;

  int64_t macs() const { return times * batch * rows * inner * columns; }
};

// What a head costs. Counted are matrix products of any shape; not what is done element by element: softmaxes, norms,
// weighted sums of numbers that are there already.
struct HeadCost {
  Macs released;                     // the released formula, all it says formed: what src/model/literal runs
  Macs exact;                        // the same scores as glint computes them, outside training
  std::optional<int64_t> published;  // a pair as the papers' tables count it, where one of them has the head
};

HeadCost head_cost(const HeadConfig& head, const HeadSizes& sizes);

// The matrix products of all pairs in a head's exact form, which HeadCost::exact.pair counts.
std::vector<MatrixProduct> pair_products(const HeadConfig& head, const HeadSizes& sizes, int64_t texts, int64_t videos);

}  // namespace glint
