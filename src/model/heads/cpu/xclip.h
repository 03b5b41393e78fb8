#pragma once

#include "model/heads/xclip_scores.h"

namespace glint::cpu {

// glint::xclip_scores() without gradients: piece by piece of pairs.
torch::Tensor xclip_scores(const PairTensors& pairs, double temperature);

}  // namespace glint::cpu
