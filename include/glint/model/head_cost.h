#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace glint {

struct HeadSizes {
  int64_t frames = 12;  // T
  int64_t words = 32;   // L
  int64_t width = 512;  // D
  int64_t queries = 8;  // Q, of glscl
};

// Multiply-accumulates.
struct Macs {
  int64_t text = 0, video = 0, pair = 0;  // of one each

  int64_t all(int64_t texts, int64_t videos) const { return texts * text + videos * video + texts * videos * pair; }
};

// What a head costs in the settings of its release. Counted are matrix products of any shape; not what is done element
// by element: softmaxes, norms, weighted sums of numbers that are there already.
struct HeadCost {
  Macs released;                     // the released formula, all it says formed: what src/model/literal runs
  Macs exact;                        // the same scores as glint computes them, outside training
  std::optional<int64_t> published;  // a pair as the papers' tables count it, where one of them has the head
};

// `head` is one of the names of `head.name`.
HeadCost head_cost(const std::string& head, const HeadSizes& sizes);

}  // namespace glint
