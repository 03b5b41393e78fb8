#pragma once

#include <torch/torch.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "glint/model/features.h"

namespace glint {

// One tower's two passes over a batch that goes through it in parts (BatchGradient). `Features`: TextFeatures or
// VideoFeatures.
template <typename Features>
class MicroBatchedTower {
 public:
  using Encode = std::function<Features(int64_t begin, int64_t end)>;  // of items [begin, end); twice the same

  MicroBatchedTower(int64_t items, int64_t part, Encode encode)
      : items_(items), part_(part), encode_(std::move(encode)) {}

  // The features of all items, without what made them: leaves, which take gradients. Their room is taken at once:
  // features of a part that outlive its activations would lie scattered over the memory these leave.
  Features leaves() const {
    const torch::NoGradGuard no_grad;
    Features all;
    for_each_part([&](int64_t begin, int64_t end) {
      auto some = encode_(begin, end);
      if (begin == 0) all = room_like(some);
      const auto from = tensors_of(some), to = tensors_of(all);
      for (std::size_t i = 0; i < from.size(); ++i) to[i]->slice(0, begin, end).copy_(*from[i]);
    });
    for (auto* tensor : tensors_of(all)) tensor->set_requires_grad(tensor->is_floating_point());
    return all;
  }

  // Encodes part by part again and calls `backward` for each: with those of its features that take gradients, with
  // these, and whether it is the last. `gradients`: those of leaves(), in the order of tensors_of(), undefined for
  // none.
  template <typename Backward>
  void carry(const std::vector<torch::Tensor>& gradients, const Backward& backward) const {
    for_each_part([&](int64_t begin, int64_t end) {
      std::vector<torch::Tensor> outputs, given;
      {
        auto again = encode_(begin, end);
        const auto tensors = tensors_of(again);
        for (std::size_t i = 0; i < tensors.size(); ++i) {
          if (!tensors[i]->requires_grad() || !gradients[i].defined()) continue;
          outputs.push_back(*tensors[i]);
          given.push_back(gradients[i].slice(0, begin, end));
        }
      }
      backward(outputs, given, end == items_);
    });
  }

 private:
  template <typename Work>
  void for_each_part(const Work& work) const {
    for (int64_t begin = 0; begin < items_; begin += part_) work(begin, std::min(begin + part_, items_));
  }

  Features room_like(Features some) const {
    for (auto* tensor : tensors_of(some)) {
      auto shape = tensor->sizes().vec();
      shape[0] = items_;
      *tensor = torch::empty(shape, tensor->options());
    }
    return some;
  }

  int64_t items_;
  int64_t part_;
  Encode encode_;
};

}  // namespace glint
