#include "model/heads/text_guided_pooling.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <vector>

#include "glint/core/error.h"
#include "glint/nn/affine.h"
#include "model/heads/packed_videos.h"
#include "model/heads/pieces.h"
#include "model/heads/pooling_kernel.h"

namespace glint {
namespace {

// Note [GLSCL mask]: the reference masks after the softmax, so that padding takes weight and the rest does not sum
// to 1. The cosine does not see the sum: masking before the softmax gives the same score and the same gradients, and
// keeps its value where all the weight lies on padding and the reference divides 0 by 0.

// Dot products that one thread holds at a time: 1 MiB stays in its cache.
constexpr int64_t kPoolingPieceFloats = 1 << 18;
constexpr int64_t kPoolingTextsAtOnce = 1024;

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
  const auto dots = affine(videos.frames, texts.sentence);  // [B, T, A]
  const auto weights =
      unit_weights(frame_softmax(dots, videos.mask, temperature), videos.frames, videos.gram);  // [B, T, A]
  return ((weights * dots).sum(1) / texts.norm.masked_fill(texts.norm == 0, 1)).t();
}

// The work of one call, cut into pieces of some texts and some videos that threads take one after the other.
class FusedCosine {
 public:
  FusedCosine(const PoolingTexts& texts, const PoolingVideos& videos, double temperature)
      : A_(texts.sentence.size(0)),
        sentence_(
            at::constant_pad_nd(texts.sentence.detach(), {0, 0, 0, divide_up(A_, kPoolingLanes) * kPoolingLanes - A_})),
        norm_(texts.norm.detach().contiguous()),
        frames_(videos.frames.detach().contiguous()),
        packed_(videos.mask, videos.gram.detach().contiguous()),
        inverse_temperature_(static_cast<float>(1 / temperature)),
        scores_(at::empty({A_, frames_.size(0)}, sentence_.options())) {}

  torch::Tensor run() {
    const auto B = frames_.size(0), T = frames_.size(1);
    if (A_ == 0 || B == 0) return scores_;
    const int64_t threads = at::get_num_threads();
    texts_a_piece_ = std::min(sentence_.size(0), kPoolingTextsAtOnce);
    videos_a_piece_ = std::clamp<int64_t>(
        std::min(kPoolingPieceFloats / (texts_a_piece_ * T), divide_up(B, kPiecesAThread * threads)), 1, B);
    const auto text_pieces = divide_up(A_, texts_a_piece_), pieces = text_pieces * divide_up(B, videos_a_piece_);
    const auto workers = std::min(threads, pieces);
    const auto weights = at::empty({workers, T, kPoolingLanes}, sentence_.options());
    std::atomic<int64_t> next{0};
    at::parallel_for(0, workers, 1, [&](int64_t begin, int64_t end) {
      for (int64_t worker = begin; worker < end; ++worker) {
        for (int64_t i = next++; i < pieces; i = next++) {
          score_piece(i % text_pieces * texts_a_piece_, i / text_pieces * videos_a_piece_, weights[worker]);
        }
      }
    });
    return scores_;
  }

 private:
  // The texts from `a0` on with the videos from `b0` on; weights [T, kPoolingLanes] are this thread's own.
  void score_piece(int64_t a0, int64_t b0, const torch::Tensor& weights) {
    const auto B = frames_.size(0), T = frames_.size(1);
    const auto num_a = std::min(texts_a_piece_, A_ - a0), num_b = std::min(videos_a_piece_, B - b0);
    const auto dots = affine(frames_.narrow(0, b0, num_b), sentence_.slice(0, a0, a0 + texts_a_piece_));
    const auto stride = dots.size(2);  // dots [num_b, T, stride], num_a rounded up to whole lanes
    PoolingLanes lanes;
    lanes.weights = weights.data_ptr<float>();
    for (int64_t a = 0; a < num_a; a += kPoolingLanes) {
      for (int64_t b = 0; b < num_b; ++b) {
        const auto video = packed_.at(b0 + b, dots.const_data_ptr<float>() + b * T * stride + a, stride);
        pool_lanes(video, inverse_temperature_, lanes);
        write_scores(lanes, video, a0 + a, std::min<int64_t>(kPoolingLanes, num_a - a), b0 + b);
      }
    }
  }

  // The scores of `count` texts from `a` on with video b, which `lanes` holds the sums of.
  void write_scores(const PoolingLanes& lanes, const PoolingVideo& video, int64_t a, int64_t count, int64_t b) {
    const auto B = frames_.size(0), D = frames_.size(2);
    const float* norms = norm_.const_data_ptr<float>() + a;
    float* scores = scores_.data_ptr<float>() + a * B + b;
    float inverse[kPoolingLanes];
    inverse_norms(video, lanes, frames_.const_data_ptr<float>() + b * frames_.size(1) * D, D, static_cast<int>(count),
                  inverse);
    for (int64_t l = 0; l < count; ++l) {
      scores[l * B] = norms[l] == 0 ? 0 : lanes.numerator[l] * inverse[l] / norms[l];
    }
  }

  int64_t A_;
  torch::Tensor sentence_;  // [A rounded up to whole lanes, D], zero behind A
  torch::Tensor norm_, frames_;
  PackedVideos packed_;
  float inverse_temperature_;
  torch::Tensor scores_;  // [A, B]
  int64_t texts_a_piece_ = 0, videos_a_piece_ = 0;
};

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
  const bool wants_gradient =
      torch::GradMode::is_enabled() && (texts.sentence.requires_grad() || frames.requires_grad());
  if (wants_gradient || !frames.is_cpu() || frames.scalar_type() != at::kFloat) {
    return differentiable_cosine(texts, videos, temperature);
  }
  return FusedCosine(texts, videos, temperature).run();
}

}  // namespace glint
