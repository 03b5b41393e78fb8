#include "model/heads/text_guided_pooling.h"

#include <ATen/ATen.h>
#include <torch/autograd.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "glint/core/error.h"
#include "glint/nn/linear.h"
#include "model/heads/pair_blocks.h"

namespace glint {
namespace {

// Note [GLSCL mask]: the reference masks after the softmax, so that padding takes weight and the rest does not sum
// to 1. The cosine does not see the sum: masking before the softmax gives the same score and the same gradients, and
// keeps its value where all the weight lies on padding and the reference divides 0 by 0.

// Note [cancelling frames]: w' G w loses digits where the weighted frames cancel. Where it falls below this share of
// the sum of its diagonal terms, the pair's v is formed after all; with real features that happens to hardly a pair.
constexpr float kCancelled = 1.0F / 16;

// |v|^2 of the pairs named by `pairs` [n, 2] = (video, text), ascending; weights [B, T, A]. -> [n]
torch::Tensor formed_squares(const torch::Tensor& pairs, const torch::Tensor& weights, const torch::Tensor& frames) {
  std::vector<torch::Tensor> squares;
  const auto [videos, inverse, counts] = at::unique_consecutive(pairs.select(1, 0).contiguous(), false, true);
  for (int64_t i = 0, begin = 0; i < videos.size(0); ++i) {
    const auto b = videos[i].item<int64_t>(), count = counts[i].item<int64_t>();
    const auto texts = pairs.select(1, 1).narrow(0, begin, count);
    const auto pooled = at::mm(weights[b].index_select(1, texts).t(), frames[b]);  // [count, D]
    squares.push_back((pooled * pooled).sum(-1));
    begin += count;
  }
  return at::cat(squares);
}

// The cosine in Gram form, in operators that autograd knows; everything lies as [B, T, A] so that nothing is
// transposed.
torch::Tensor cosine_in_operators(const PoolingTexts& texts, const PoolingVideos& videos, double temperature) {
  const auto dots = fast_linear(videos.frames, texts.sentence);  // [B, T, A]
  const auto weights =
      unit_weights(frame_softmax(dots, videos.mask, temperature), videos.frames, videos.gram);  // [B, T, A]
  return ((weights * dots).sum(1) / texts.norm.masked_fill(texts.norm == 0, 1)).t();
}

}  // namespace

torch::Tensor frame_softmax(const torch::Tensor& dots, const torch::Tensor& mask, double temperature) {
  if (!mask.defined()) return (dots / temperature).softmax(1);
  const auto padding = (mask == 0).unsqueeze(-1);  // [B, T, 1]
  // A finite filler, so that a video without any frame gives weights that the second masking takes away.
  const auto logits = (dots / temperature).masked_fill(padding, std::numeric_limits<float>::lowest());
  return logits.softmax(1).masked_fill(padding, 0);
}

torch::Tensor unit_weights(const torch::Tensor& weights, const torch::Tensor& frames, const torch::Tensor& gram) {
  auto square = (at::bmm(gram, weights) * weights).sum(1);                     // [B, N]
  const auto diagonal = gram.detach().diagonal(0, 1, 2).unsqueeze(1);          // [B, 1, T]
  const auto terms = at::bmm(diagonal, weights.detach().square()).squeeze(1);  // [B, N]
  const auto pairs = (square.detach() < kCancelled * terms).nonzero();         // [n, 2]
  if (pairs.size(0) > 0) {
    square = square.index_put({pairs.select(1, 0), pairs.select(1, 1)}, formed_squares(pairs, weights, frames));
  }
  const auto none = square <= 0;
  const auto inverse = square.masked_fill(none, 1).rsqrt().masked_fill(none, 0);  // [B, N]
  return weights * inverse.unsqueeze(1);
}

torch::Tensor text_guided_cosine(const PoolingTexts& texts, const PoolingVideos& videos, double temperature) {
  const auto& frames = videos.frames;
  GLINT_CHECK(frames.dim() == 3 && frames.size(1) > 0, "frames ", frames.sizes());
  GLINT_CHECK(texts.sentence.size(-1) == frames.size(-1), "sentence ", texts.sentence.sizes(), ", frames ",
              frames.sizes());
  GLINT_CHECK(videos.mask.sizes() == frames.sizes().slice(0, 2), "mask ", videos.mask.sizes(), ", frames ",
              frames.sizes());
  const PairTensors pairs = {{texts.sentence, texts.norm}, {frames, videos.mask, videos.gram}, {}};
  if (wants_gradient(pairs)) return cosine_in_operators(texts, videos, temperature);
  const BlockedScore blocks = {
      [temperature](const PairTensors& block, int64_t) {
        const auto &of_texts = block.texts, &of_videos = block.videos;
        return cosine_in_operators({of_texts[0], of_texts[1]}, {of_videos[0], of_videos[1], of_videos[2]}, temperature);
      },
      frames.size(1)};
  return blocks.all(pairs);
}

}  // namespace glint
