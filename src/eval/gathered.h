#pragma once

#include <torch/torch.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "glint/dist/communicator.h"
#include "glint/model/features.h"

namespace glint {

// Of `count` things those that `rank` works on: [first, second). Ranks differ by one at most.
inline std::pair<int64_t, int64_t> share_of(int64_t count, int64_t rank, int64_t ranks) {
  return {count * rank / ranks, count * (rank + 1) / ranks};
}

// How many of `count` things each rank has.
inline std::vector<int64_t> shares_of(int64_t count, int64_t ranks) {
  std::vector<int64_t> counts;
  for (int64_t rank = 0; rank < ranks; ++rank) {
    const auto [begin, end] = share_of(count, rank, ranks);
    counts.push_back(end - begin);
  }
  return counts;
}

// Rows [own, ...] of every rank in rank order; `counts`: how many each has. The dimensions behind the first are the
// same everywhere.
inline torch::Tensor gather_uneven(Communicator& peers, const torch::Tensor& rows, const std::vector<int64_t>& counts) {
  if (peers.ranks() == 1) return rows;
  auto shape = rows.sizes().vec();
  const auto most = shape[0] = *std::max_element(counts.begin(), counts.end());
  auto padded = rows.new_zeros(shape);
  padded.narrow(0, 0, rows.size(0)).copy_(rows);
  const auto all = peers.all_gather(padded);
  std::vector<torch::Tensor> parts;
  for (std::size_t rank = 0; rank < counts.size(); ++rank) {
    parts.push_back(all.narrow(0, static_cast<int64_t>(rank) * most, counts[rank]));
  }
  return torch::cat(parts);
}

// The same of features.
template <class Features>
Features gather_uneven(Communicator& peers, Features own, const std::vector<int64_t>& counts) {
  for (auto* tensor : tensors_of(own)) *tensor = gather_uneven(peers, *tensor, counts);
  return own;
}

}  // namespace glint
