#pragma once

#include <torch/types.h>

#include <functional>
#include <vector>

namespace glint {

// `function(inputs)`, of which autograd keeps the inputs alone: the backward pass runs it once more, under the autocast
// of the first time (gradient checkpointing: Chen et al., 2016, "Training Deep Nets with Sublinear Memory Cost").
// `inputs` are all tensors that can have a gradient, parameters among them; `function` draws no random numbers.
// Differentiable once.
torch::Tensor checkpointed(const std::function<torch::Tensor(const std::vector<torch::Tensor>&)>& function,
                           const std::vector<torch::Tensor>& inputs);

}  // namespace glint
