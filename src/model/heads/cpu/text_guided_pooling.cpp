#include "model/heads/cpu/text_guided_pooling.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "glint/nn/affine.h"
#include "model/heads/cpu/packed_videos.h"
#include "model/heads/cpu/pieces.h"
#include "model/heads/cpu/pooling_kernel.h"

namespace glint::cpu {
namespace {

// Dot products that one thread holds at a time: 1 MiB stays in its cache.
constexpr int64_t kPoolingPieceFloats = 1 << 18;
constexpr int64_t kPoolingTextsAtOnce = 1024;

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
    const auto texts = std::min(sentence_.size(0), kPoolingTextsAtOnce);
    const auto videos =
        std::clamp<int64_t>(std::min(kPoolingPieceFloats / (texts * T), divide_up(B, wanted_pieces())), 1, B);
    for_each_piece(
        A_, B, {texts, videos},
        [&] {
          return at::empty({T, kPoolingLanes}, sentence_.options());
        },
        [&](int64_t a0, int64_t num_a, int64_t b0, int64_t num_b, const torch::Tensor& weights) {
          score_piece(a0, num_a, b0, num_b, weights);
        });
    return scores_;
  }

 private:
  // The texts from `a0` on with the videos from `b0` on; weights [T, kPoolingLanes] are this thread's own.
  void score_piece(int64_t a0, int64_t num_a, int64_t b0, int64_t num_b, const torch::Tensor& weights) {
    const auto T = frames_.size(1);
    const auto whole_a = divide_up(num_a, kPoolingLanes) * kPoolingLanes;
    const auto dots = affine(frames_.narrow(0, b0, num_b), sentence_.slice(0, a0, a0 + whole_a));
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
};

}  // namespace

torch::Tensor text_guided_cosine(const PoolingTexts& texts, const PoolingVideos& videos, double temperature) {
  return FusedCosine(texts, videos, temperature).run();
}

}  // namespace glint::cpu
