#include "model/heads/xpool_scores.h"

#include <torch/torch.h>

#include <limits>

#include "glint/nn/linear.h"
#include "glint/nn/seeded_generator.h"
#include "model/heads/cpu/kernels.h"
#include "model/heads/cpu/xpool.h"

// A texts, B videos, T frames, D width; a, b: those of a block.
namespace glint {
namespace {

PairTensors tensors_of(const XpoolPairs& pairs) {
  return {{pairs.query, pairs.sentence},
          {pairs.keys, pairs.attended, pairs.mixed},
          {pairs.start, pairs.scale2, pairs.shift2, pairs.scale3, pairs.shift3}};
}

XpoolPairs pairs_of(const PairTensors& tensors, double dropout) {
  return {.query = tensors.texts[0],
          .sentence = tensors.texts[1],
          .keys = tensors.videos[0],
          .attended = tensors.videos[1],
          .mixed = tensors.videos[2],
          .forms = {},
          .start = tensors.shared[0],
          .scale2 = tensors.shared[1],
          .shift2 = tensors.shared[2],
          .scale3 = tensors.shared[3],
          .shift3 = tensors.shared[4],
          .dropout = dropout};
}

// 0 or 1 / (1 - dropout), the same for the same seed: the backward pass makes it anew.
torch::Tensor dropout_mask(const torch::Tensor& like, double dropout, uint64_t seed) {
  auto mask = torch::empty(like.sizes(), like.options().requires_grad(false));
  return mask.bernoulli_(1 - dropout, seeded_generator(like.device(), seed)).div_(1 - dropout);
}

torch::Tensor plain_scores(const XpoolPairs& pairs, uint64_t seed) {
  const auto pooled = xpool_pooled(pairs, seed);        // [b, a, D]
  const auto dots = (pooled * pairs.sentence).sum(-1);  // [b, a]
  const auto norms = at::linalg_vector_norm(pooled, 2, at::IntArrayRef(-1));
  return (dots / norms.masked_fill(norms == 0, 1)).t();
}

}  // namespace

torch::Tensor xpool_weights(const XpoolPairs& pairs) {
  return fast_linear(pairs.keys, pairs.query).softmax(1).transpose(1, 2);
}

torch::Tensor xpool_pooled(const XpoolPairs& pairs, uint64_t seed) {
  const auto weights = xpool_weights(pairs);                                              // [b, a, T]
  const auto attended = at::bmm(weights, pairs.attended);                                 // [b, a, D]
  const auto scale = (attended.square().mean(-1, /*keepdim=*/true) + kXpoolEps).rsqrt();  // [b, a, 1]
  auto mixed = at::addcmul(pairs.start, at::bmm(weights, pairs.mixed), scale);            // [b, a, D]
  if (pairs.dropout > 0) {
    mixed = mixed * dropout_mask(mixed, pairs.dropout, seed) + attended * scale * pairs.scale2 + pairs.shift2;
  }
  return at::layer_norm(mixed, {mixed.size(-1)}, pairs.scale3, pairs.shift3, kXpoolEps);
}

torch::Tensor xpool_scores(const XpoolPairs& pairs) {
  const auto tensors = tensors_of(pairs);
  const bool wanted = wants_gradient(tensors);
  if (!wanted && pairs.forms.defined() && cpu::has_kernels_for(pairs.keys)) {
    return cpu::xpool_scores(pairs);
  }
  const double dropout = pairs.dropout;
  const auto seed =
      dropout > 0 ? static_cast<uint64_t>(torch::randint(std::numeric_limits<int64_t>::max(), {1}).item<int64_t>()) : 0;
  const BlockedScore plain = {[dropout, seed](const PairTensors& block, int64_t index) {
                                return plain_scores(pairs_of(block, dropout), seed + static_cast<uint64_t>(index));
                              },
                              pairs.keys.size(-1)};
  const auto scores = plain.all(tensors);
  return wanted ? plain.with_gradients(scores, tensors) : scores;
}

}  // namespace glint
