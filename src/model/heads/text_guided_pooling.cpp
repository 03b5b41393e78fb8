#include "model/heads/text_guided_pooling.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "glint/core/error.h"
#include "model/heads/pooling_kernel.h"

namespace glint {
namespace {

// Note [GLSCL mask]: the reference masks after the softmax, so that padding takes weight and the rest does not sum
// to 1. The cosine does not see the sum: masking before the softmax gives the same score and the same gradients, and
// keeps its value where all the weight lies on padding and the reference divides 0 by 0.

// Note [cancelling frames]: w' G w loses digits where the weighted frames cancel. Where it falls below this share of
// the sum of its diagonal terms, the pair's v is formed after all; with real features that happens to hardly a pair.
constexpr float kCancelled = 1.0F / 16;

constexpr int64_t kBlockFloats = 1 << 20;  // of dot products at a time: 4 MiB
constexpr int64_t kTextsAtOnce = 1024;
constexpr int64_t kVideosAtOnce = 8;  // a piece of work for one thread: so many videos and kPoolingLanes texts

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
torch::Tensor differentiable_cosine(const PoolingTexts& texts, const PoolingVideos& videos, double temperature) {
  const auto& frames = videos.frames;
  const auto B = frames.size(0), T = frames.size(1), A = texts.sentence.size(0);
  const auto dots = at::mm(frames.reshape({B * T, frames.size(2)}), texts.sentence.t()).view({B, T, A});
  const auto padding = (videos.mask == 0).unsqueeze(-1);  // [B, T, 1]
  // A finite filler, so that a video without any frame gives weights that the second masking takes away.
  const auto logits = (dots / temperature).masked_fill(padding, std::numeric_limits<float>::lowest());
  const auto weights = logits.softmax(1).masked_fill(padding, 0);              // [B, T, A]
  auto square = (at::bmm(videos.gram, weights) * weights).sum(1);              // [B, A]
  const auto diagonal = videos.gram.detach().diagonal(0, 1, 2).unsqueeze(1);   // [B, 1, T]
  const auto terms = at::bmm(diagonal, weights.detach().square()).squeeze(1);  // [B, A]
  const auto pairs = (square.detach() < kCancelled * terms).nonzero();         // [n, 2]
  if (pairs.size(0) > 0) {
    square = square.index_put({pairs.select(1, 0), pairs.select(1, 1)}, formed_squares(pairs, weights, frames));
  }
  const auto none = square <= 0;
  const auto cosine = (weights * dots).sum(1) * square.masked_fill(none, 1).rsqrt();  // [B, A], still times |c|
  return (cosine.masked_fill(none, 0) / texts.norm.masked_fill(texts.norm == 0, 1)).t();
}

// |v| of one pair with v formed: what Note [cancelling frames] asks for.
double formed_norm(const float* frames, int64_t width, const PoolingVideo& video, const float* weights) {
  double square = 0;
  for (int64_t d = 0; d < width; ++d) {
    double sum = 0;
    for (int64_t t = 0; t < video.count; ++t) {
      sum += static_cast<double>(weights[t * kPoolingLanes]) * frames[video.frames[t] * width + d];
    }
    square += sum * sum;
  }
  return std::sqrt(square);
}

// The videos of one call: which frames their masks leave, and the Gram matrices of those, packed for pool_lanes().
class PackedVideos {
 public:
  PackedVideos(const torch::Tensor& mask, const torch::Tensor& gram)
      : frames_(at::empty(mask.sizes(), at::kInt)), gram_(at::empty_like(gram)), counts_(mask.size(0)) {
    const auto T = mask.size(1);
    const auto kept = (mask != 0).contiguous();
    const bool* keep = kept.const_data_ptr<bool>();
    const float* from = gram.const_data_ptr<float>();
    for (int64_t b = 0; b < mask.size(0); ++b) {
      int32_t* frames = frames_.data_ptr<int32_t>() + b * T;
      float* to = gram_.data_ptr<float>() + b * T * T;
      auto& count = counts_[static_cast<std::size_t>(b)];
      for (int64_t t = 0; t < T; ++t) {
        if (keep[b * T + t]) frames[count++] = static_cast<int32_t>(t);
      }
      for (int64_t t = 0; t < count; ++t) {
        const float* row = from + (b * T + frames[t]) * T;
        for (int64_t u = 0; u <= t; ++u) to[t * count + u] = (u < t ? 2 : 1) * row[frames[u]];
      }
    }
  }

  PoolingVideo at(int64_t b, const float* dots, int64_t stride) const {
    const auto T = frames_.size(1);
    return {dots, stride, frames_.const_data_ptr<int32_t>() + b * T, counts_[static_cast<std::size_t>(b)],
            gram_.const_data_ptr<float>() + b * T * T};
  }

 private:
  torch::Tensor frames_;  // int32 [B, T]
  torch::Tensor gram_;    // [B, T, T]
  std::vector<int64_t> counts_;
};

// Scores of kPoolingLanes texts (or the `texts` that are left) with one video, into every `stride`-th float of
// `scores`.
void write_scores(const PoolingLanes& lanes, const PoolingVideo& video, const float* frames, int64_t width,
                  const float* norms, int64_t texts, float* scores, int64_t stride) {
  for (int64_t l = 0; l < texts; ++l) {
    double norm = std::sqrt(lanes.square[l]);
    if (!(lanes.square[l] >= kCancelled * lanes.terms[l])) norm = formed_norm(frames, width, video, lanes.weights + l);
    const double scale = norm * norms[l];
    scores[l * stride] = scale == 0 ? 0.0F : static_cast<float>(lanes.numerator[l] / scale);
  }
}

torch::Tensor fused_cosine(const PoolingTexts& texts, const PoolingVideos& videos, double temperature) {
  const auto frames = videos.frames.contiguous(), sentence = texts.sentence.contiguous(),
             norm = texts.norm.contiguous();
  const auto B = frames.size(0), T = frames.size(1), D = frames.size(2), A = sentence.size(0);
  auto scores = at::empty({A, B}, sentence.options());
  if (A == 0 || B == 0) return scores;
  const PackedVideos packed(videos.mask, videos.gram.contiguous());
  const auto rows = std::min(A, kTextsAtOnce);
  const auto stride = (rows + kPoolingLanes - 1) / kPoolingLanes * kPoolingLanes;
  const auto videos_a_block = std::clamp<int64_t>(kBlockFloats / (stride * T), 1, B);
  const auto buffer = at::zeros({videos_a_block * T, stride}, sentence.options());
  const auto all_frames = frames.view({B * T, D});
  for (int64_t b0 = 0; b0 < B; b0 += videos_a_block) {
    for (int64_t a0 = 0; a0 < A; a0 += rows) {
      const auto num_b = std::min(videos_a_block, B - b0), num_a = std::min(rows, A - a0);
      auto dots = buffer.narrow(0, 0, num_b * T).narrow(1, 0, num_a);
      at::mm_out(dots, all_frames.narrow(0, b0 * T, num_b * T), sentence.narrow(0, a0, num_a).t());
      const auto groups = (num_b + kVideosAtOnce - 1) / kVideosAtOnce,
                 tiles = (num_a + kPoolingLanes - 1) / kPoolingLanes;
      at::parallel_for(0, groups * tiles, 4, [&](int64_t begin, int64_t end) {
        std::vector<float> weights(static_cast<std::size_t>(T * kPoolingLanes));
        PoolingLanes lanes;
        lanes.weights = weights.data();
        for (int64_t piece = begin; piece < end; ++piece) {
          const auto a = piece / groups * kPoolingLanes, b_begin = piece % groups * kVideosAtOnce;
          for (int64_t b = b_begin; b < std::min(b_begin + kVideosAtOnce, num_b); ++b) {
            const auto video = packed.at(b0 + b, buffer.const_data_ptr<float>() + b * T * stride + a, stride);
            pool_lanes(video, static_cast<float>(1 / temperature), lanes);
            write_scores(lanes, video, frames.const_data_ptr<float>() + (b0 + b) * T * D, D,
                         norm.const_data_ptr<float>() + a0 + a, std::min<int64_t>(kPoolingLanes, num_a - a),
                         scores.data_ptr<float>() + (a0 + a) * B + b0 + b, B);
          }
        }
      });
    }
  }
  return scores;
}

}  // namespace

torch::Tensor text_guided_cosine(const PoolingTexts& texts, const PoolingVideos& videos, double temperature) {
  const auto& frames = videos.frames;
  GLINT_CHECK(texts.sentence.size(-1) == frames.size(-1), "sentence ", texts.sentence.sizes(), ", frames ",
              frames.sizes());
  GLINT_CHECK(videos.mask.sizes() == frames.sizes().slice(0, 2), "mask ", videos.mask.sizes(), ", frames ",
              frames.sizes());
  const bool wants_gradient =
      torch::GradMode::is_enabled() && (texts.sentence.requires_grad() || frames.requires_grad());
  if (wants_gradient || !frames.is_cpu() || frames.scalar_type() != at::kFloat) {
    return differentiable_cosine(texts, videos, temperature);
  }
  return fused_cosine(texts, videos, temperature);
}

}  // namespace glint
