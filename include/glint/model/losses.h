#pragma once

#include <torch/types.h>

#include <cstdint>

namespace glint {

// Symmetric InfoNCE: ( CE(S) + CE(S^T) ) / 2 with the diagonal as target (methods 2). `logits` [B, B], already times
// the logit scale. -> scalar
torch::Tensor contrastive_loss(const torch::Tensor& logits);

// SigLIP's: every pair is a question of its own, - sum log sigmoid(z S) / B with z = 1 on the diagonal and -1 elsewhere
// (Zhai et al., ICCV 2023, section 3.2). `logits` [B, B], already scaled and with their bias. -> scalar
torch::Tensor sigmoid_loss(const torch::Tensor& logits);

// The logits that one process has of a batch of B pairs, of which [begin, begin + b) are its own.
struct ShardLogits {
  torch::Tensor texts;   // [b, B], rows
  torch::Tensor videos;  // [B, b], columns
  int64_t begin;
};

// This shard's part of the loss of the whole batch, which is the sum over all shards. -> scalar
torch::Tensor contrastive_loss(const ShardLogits& logits);
torch::Tensor sigmoid_loss(const ShardLogits& logits);

}  // namespace glint
