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

  void add(const Features& batch) {
    const int64_t rows = size(batch);
    GLINT_CHECK(rows_ + rows <= capacity_, rows_, " + ", rows, " items, room for ", capacity_);
    if (rows_ == 0) table_ = map_tensors(batch, [&](const torch::Tensor& part) { return allocate(part); });
    visit_pairs(table_, batch,
                [&](torch::Tensor& whole, const torch::Tensor& part) { whole.narrow(0, rows_, rows).copy_(part); });
    rows_ += rows;
  }

  Features features() const { return rows_ == 0 ? Features{} : slice(table_, 0, rows_); }

 private:
  torch::Tensor allocate(const torch::Tensor& part) const {
    auto shape = part.sizes().vec();
    shape[0] = capacity_;
    return part.new_empty(shape);
  }

  template <class Use>
  static void visit_pairs(TextFeatures& whole, const TextFeatures& part, const Use& use) {
    if (part.sentence.defined()) use(whole.sentence, part.sentence);
    if (part.words.defined()) use(whole.words, part.words);
    if (part.mask.defined()) use(whole.mask, part.mask);
    for (const auto& [name, tensor] : part.prepared) use(whole.prepared.at(name), tensor);
  }
  template <class Use>
  static void visit_pairs(VideoFeatures& whole, const VideoFeatures& part, const Use& use) {
    if (part.frames.defined()) use(whole.frames, part.frames);
    if (part.clip_frames.defined()) use(whole.clip_frames, part.clip_frames);
    if (part.mask.defined()) use(whole.mask, part.mask);
    for (const auto& [name, tensor] : part.prepared) use(whole.prepared.at(name), tensor);
  }
  template <class Make>
  static Features map_tensors(Features features, const Make& make) {
    const Features batch = features;
    visit_pairs(features, batch, [&](torch::Tensor& whole, const torch::Tensor& part) { whole = make(part); });
    return features;
  }

  int64_t capacity_;
  int64_t rows_ = 0;
  Features table_;
};

using TextFeatureTable = FeatureTable<TextFeatures>;
using VideoFeatureTable = FeatureTable<VideoFeatures>;

}  // namespace glint
