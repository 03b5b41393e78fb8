#pragma once

#include <torch/nn/module.h>

#include <string>

#include "support/golden.h"

namespace glint::test {

// Copies `weights` into the parameters of the same names; every name on either side that has no partner of its shape
// is a failed requirement of `report`.
void load_parameters(torch::nn::Module& module, const TensorMap& weights, CaseReport& report);

}  // namespace glint::test
