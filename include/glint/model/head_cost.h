#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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

// What a head costs in the settings of its release. Counted are matrix products, whatever they are made of; not
// softmaxes, norms, and weighted sums of numbers that are there already, which no line below would change by 1 %.
struct HeadCost {
  Macs released;                     // the released formula, all it says formed: what src/model/literal runs
  Macs exact;                        // the same scores as glint computes them, outside training
  std::optional<int64_t> published;  // a pair as the papers' tables count it, where one of them has the head
};

// mean_pool, glscl, glccl, xclip, xpool, tight.
const std::vector<std::string>& head_names();

// `head` is one of head_names().
HeadCost head_cost(const std::string& head, const HeadSizes& sizes);

}  // namespace glint
