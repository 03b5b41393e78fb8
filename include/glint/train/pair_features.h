#pragma once

#include "glint/dist/communicator.h"
#include "glint/model/features.h"

namespace glint {

// Of a batch's pairs: text i belongs to video i. Both prepared for the head.
struct PairFeatures {
  TextFeatures text;
  VideoFeatures video;
};

// Every tensor that is there, in a fixed order.
std::vector<torch::Tensor*> tensors_of(PairFeatures& features);

// Those of all ranks, in rank order, in one message; differentiable (glint/dist/gather.h). The same number on each
// rank.
PairFeatures gather_pairs(Communicator& peers, PairFeatures features);

}  // namespace glint
