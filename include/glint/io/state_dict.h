#pragma once

#include <cstdint>
#include <string>

#include "glint/io/safetensors.h"

// Questions about the weights of a model by their names, as PyTorch's state_dict() gives them.
namespace glint {

bool has_prefix(const TensorMap& weights, const std::string& prefix);

// "model.layers.3.weight" where everything was saved as it stood in a wrapper named `prefix`: its weights without it.
TensorMap without_prefix(const TensorMap& weights, const std::string& prefix);

// How many modules are numbered from 0 behind `prefix`, without a gap: of "layers.0.weight" and "layers.1.weight" 2.
int64_t count_numbered(const TensorMap& weights, const std::string& prefix);

// The first dimension of the weight `name`; `otherwise` where it is not there or a scalar.
int64_t rows_of(const TensorMap& weights, const std::string& name, int64_t otherwise);

}  // namespace glint
