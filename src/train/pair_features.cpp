#include "glint/train/pair_features.h"

#include <torch/torch.h>

#include "glint/dist/gather.h"

namespace glint {

std::vector<torch::Tensor*> tensors_of(PairFeatures& features) {
  auto tensors = tensors_of(features.text);
  const auto others = tensors_of(features.video);
  tensors.insert(tensors.end(), others.begin(), others.end());
  return tensors;
}

PairFeatures gather_pairs(Communicator& peers, PairFeatures features) {
  if (peers.ranks() == 1) return features;
  const auto own = size(features.text);
  const auto tensors = tensors_of(features);
  std::vector<torch::Tensor> columns;
  std::vector<int64_t> widths;
  for (const auto* tensor : tensors) {  // masks are small numbers: exact in float32
    columns.push_back(tensor->reshape({own, -1}).to(torch::kFloat32));
    widths.push_back(columns.back().size(1));
  }
  const auto parts = gather_rows(peers, torch::cat(columns, 1)).split_with_sizes(widths, 1);  // [ranks * own, ...]
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    auto shape = tensors[i]->sizes().vec();
    shape[0] *= peers.ranks();
    *tensors[i] = parts[i].reshape(shape).to(tensors[i]->scalar_type());
  }
  return features;
}

}  // namespace glint
