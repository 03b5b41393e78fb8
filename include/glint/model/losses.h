#pragma once

#include <torch/types.h>

namespace glint {

// Symmetric InfoNCE: ( CE(S) + CE(S^T) ) / 2 with the diagonal as target (methods 2). `logits` [B, B], already times
// the logit scale. -> scalar
torch::Tensor contrastive_loss(const torch::Tensor& logits);

}  // namespace glint
