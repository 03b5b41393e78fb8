#pragma once

#include <torch/types.h>

#include "glint/core/error.h"
#include "glint/model/features.h"

namespace glint {

// Features of items that arrive in batches, kept in tensors allocated once for all `capacity` items: concatenating the
// batches at the end would hold everything twice.
template <class Features>
class FeatureTable {
 public:
  explicit FeatureTable(int64_t capacity) : capacity_(capacity) {}

  void add(Features batch) {
    const int64_t rows = size(batch);
    GLINT_CHECK(rows_ + rows <= capacity_, rows_, " + ", rows, " items, room for ", capacity_);
    const auto parts = tensors_of(batch);
    if (rows_ == 0) allocate_like(batch);
    const auto wholes = tensors_of(table_);
    GLINT_CHECK(wholes.size() == parts.size(), parts.size(), " tensors after ", wholes.size());
    for (std::size_t i = 0; i < parts.size(); ++i) wholes[i]->narrow(0, rows_, rows).copy_(*parts[i]);
    rows_ += rows;
  }

  Features features() const { return rows_ == 0 ? Features{} : slice(table_, 0, rows_); }

 private:
  void allocate_like(const Features& batch) {
    table_ = batch;
    for (auto* tensor : tensors_of(table_)) {
      auto shape = tensor->sizes().vec();
      shape[0] = capacity_;
      *tensor = tensor->new_empty(shape);
    }
  }

  int64_t capacity_;
  int64_t rows_ = 0;
  Features table_;
};

using TextFeatureTable = FeatureTable<TextFeatures>;
using VideoFeatureTable = FeatureTable<VideoFeatures>;

}  // namespace glint
