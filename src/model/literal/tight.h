#pragma once

#include <torch/types.h>

#include "glint/io/safetensors.h"

namespace glint::literal {

// CLIP4Clip's tightTransf as methods 2 writes it down, for any floating type, dropout off: every pair's sequence at
// once, autograd keeps them all. Slow and obvious: the judge of the fast head, whose parameters it takes by their
// names. sentence [A, D], frames [B, T, D], mask [B, T] -> [A, B]
torch::Tensor tight(const TensorMap& parameters, const torch::Tensor& sentence, const torch::Tensor& frames,
                    const torch::Tensor& mask);

}  // namespace glint::literal
