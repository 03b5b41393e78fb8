#include "glint/eval/scores.h"

#include <torch/torch.h>

#include <algorithm>
#include <utility>

#include "glint/core/error.h"

namespace glint {

Scores::Scores(torch::Tensor scores) : scores_(scores.detach()) {
  GLINT_CHECK(scores_.dim() == 2 && scores_.is_floating_point(), "scores ", scores_.toString(), " ", scores_.sizes());
}

Scores::Scores(FileTensor file, int64_t panel_bytes) : file_(std::move(file)), panel_bytes_(panel_bytes) {
  GLINT_CHECK(file_->sizes().size() == 2 && torch::isFloatingType(file_->type()), "scores ", file_->type(), " ",
              file_->sizes());
}

int64_t Scores::texts() const {
  return file_ ? file_->size(0) : scores_.size(0);
}

int64_t Scores::videos() const {
  return file_ ? file_->size(1) : scores_.size(1);
}

int64_t Scores::panel_rows(Direction direction) const {
  const int64_t all = std::max<int64_t>(1, queries(direction));
  if (!file_) return all;
  const auto row = std::max<int64_t>(1, items(direction)) * static_cast<int64_t>(c10::elementSize(file_->type()));
  return std::clamp<int64_t>(panel_bytes_ / row, 1, all);
}

torch::Tensor Scores::rows(Direction direction, int64_t first, int64_t count) const {
  const bool text_asks = direction == Direction::kTextToVideo;
  if (!file_) return (text_asks ? scores_ : scores_.t()).narrow(0, first, count);
  return text_asks ? file_->rows(first, count) : file_->columns(first, count).t();
}

}  // namespace glint
