#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>

#include "glint/io/file_tensor.h"

namespace glint {

// A texts, B videos; scores are [A, B] for both directions. A direction has Q queries and a gallery of G items:
// (Q, G) = (A, B) where texts ask, (B, A) where videos ask.
enum class Direction { kTextToVideo, kVideoToText };

// The scores of A texts x B videos: a tensor, or a file that may be larger than memory. Whatever ranks or normalises
// takes panels of whole rows, so that of a file some hundred MB are in memory at a time. Copies share the scores.
class Scores {
 public:
  Scores(torch::Tensor scores);  // [A, B] of a floating type; implicit, as a tensor is the plain case
  // The same in a file, of which `panel_bytes` are in memory at a time.
  Scores(FileTensor file, int64_t panel_bytes = int64_t{128} << 20);

  int64_t texts() const;
  int64_t videos() const;
  int64_t queries(Direction direction) const { return direction == Direction::kTextToVideo ? texts() : videos(); }
  int64_t items(Direction direction) const { return direction == Direction::kTextToVideo ? videos() : texts(); }

  // So many queries' rows are to be taken at once.
  int64_t panel_rows(Direction direction) const;
  // Queries [first, first + count) of the direction against all items, [count, G]: a view, or of a file a copy.
  torch::Tensor rows(Direction direction, int64_t first, int64_t count) const;

 private:
  torch::Tensor scores_;
  std::optional<FileTensor> file_;
  int64_t panel_bytes_ = 0;
};

}  // namespace glint
