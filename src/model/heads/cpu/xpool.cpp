#include "model/heads/cpu/xpool.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "glint/nn/linear.h"
#include "model/heads/cpu/pieces.h"
#include "model/heads/cpu/xpool_kernel.h"

// A texts, B videos, T frames, D width.
namespace glint::cpu {
namespace {

// A square in Gram form loses digits where its vectors cancel. Where it falls below this share of the sum of its
// diagonal terms, the pair's z is formed after all; with real features that happens to hardly a pair.
constexpr float kCancelled = 1.0F / 16;

// Dot products that one thread holds at a time, twice: 2 MiB in its cache.
constexpr int64_t kXpoolPieceFloats = 1 << 18;
constexpr int64_t kXpoolTextsAtOnce = 1024;

// Rows up to the next multiple of the kernel's lanes, the new ones zero; a vector counts as one column.
torch::Tensor whole_lanes(const torch::Tensor& rows) {
  const auto missing = divide_up(rows.size(0), kXpoolLanes) * kXpoolLanes - rows.size(0);
  if (rows.dim() == 1) return at::constant_pad_nd(rows, {0, missing});
  return at::constant_pad_nd(rows, {0, 0, 0, missing});
}

// cos(x, z) of one pair with z formed in double precision from multiples of its softmax weights, `stride` apart.
class FormedPair {
 public:
  FormedPair(const XpoolPairs& pairs, int64_t a, int64_t b, const float* weights, int64_t stride)
      : T_(pairs.keys.size(1)), D_(pairs.keys.size(2)) {
    double total = 0;
    for (int64_t t = 0; t < T_; ++t) total += weights[t * stride];
    for (int64_t t = 0; t < T_; ++t) weights_.push_back(weights[t * stride] / total);
    const auto row = [&](const torch::Tensor& tensor, int64_t i) {
      return tensor.const_data_ptr<float>() + i * tensor.stride(0);
    };
    const auto attended = pooled(row(pairs.attended, b));
    double square = 0;
    for (const double value : attended) square += value * value;
    const double scale = 1 / std::sqrt(square / static_cast<double>(D_) + kXpoolEps);
    auto mixed = pooled(row(pairs.mixed, b));
    for (int64_t d = 0; d < D_; ++d) {
      mixed[static_cast<std::size_t>(d)] = mixed[static_cast<std::size_t>(d)] * scale + row(pairs.start, d)[0];
    }
    score_ = cosine(mixed, row(pairs.sentence, a), row(pairs.scale3, 0), row(pairs.shift3, 0));
  }

  float score() const { return static_cast<float>(score_); }

 private:
  std::vector<double> pooled(const float* frames) const {
    std::vector<double> sum(static_cast<std::size_t>(D_));
    for (int64_t t = 0; t < T_; ++t) {
      for (int64_t d = 0; d < D_; ++d)
        sum[static_cast<std::size_t>(d)] += weights_[static_cast<std::size_t>(t)] * frames[t * D_ + d];
    }
    return sum;
  }

  double cosine(const std::vector<double>& mixed, const float* sentence, const float* scale3,
                const float* shift3) const {
    double square = 0;
    for (const double value : mixed) square += value * value;  // its mean is zero already
    const double scale = 1 / std::sqrt(square / static_cast<double>(D_) + kXpoolEps);
    double dot = 0, norm = 0;
    for (int64_t d = 0; d < D_; ++d) {
      const double z = mixed[static_cast<std::size_t>(d)] * scale * scale3[d] + shift3[d];
      dot += z * sentence[d];
      norm += z * z;
    }
    return norm > 0 ? dot / std::sqrt(norm) : 0;
  }

  int64_t T_, D_;
  std::vector<double> weights_;
  double score_ = 0;
};

// The work of one call, cut into pieces of some texts and some videos that threads take one after the other.
class FusedXpool {
 public:
  explicit FusedXpool(const XpoolPairs& pairs)
      : pairs_(pairs),
        A_(pairs.query.size(0)),
        B_(pairs.keys.size(0)),
        T_(pairs.keys.size(1)),
        query_(whole_lanes(pairs.query)),
        scaled_(whole_lanes(pairs.sentence * pairs.scale3)),
        start_(at::mv(scaled_, pairs.start)),
        shift_(whole_lanes(at::mv(pairs.sentence, pairs.shift3))),
        square_shift_(pairs.shift3.square().sum().item<float>()),
        scores_(at::empty({A_, B_}, query_.options())) {
    for (auto* tensor : {&pairs_.sentence, &pairs_.keys, &pairs_.attended, &pairs_.mixed, &pairs_.forms, &pairs_.start,
                         &pairs_.scale3, &pairs_.shift3}) {
      *tensor = tensor->contiguous();
    }
  }

  torch::Tensor run() {
    if (A_ == 0 || B_ == 0) return scores_;
    const auto texts = std::min(query_.size(0), kXpoolTextsAtOnce);
    const auto videos =
        std::clamp<int64_t>(std::min(kXpoolPieceFloats / (texts * T_), divide_up(B_, wanted_pieces())), 1, B_);
    for_each_piece(
        A_, B_, {texts, videos},
        [&] {
          return at::empty({T_ + 1, kXpoolLanes}, query_.options());
        },
        [&](int64_t a0, int64_t num_a, int64_t b0, int64_t num_b, const torch::Tensor& scratch) {
          score_piece(a0, num_a, b0, num_b, scratch.data_ptr<float>());
        });
    return scores_;
  }

 private:
  // The texts from `a0` on with the videos from `b0` on; `scratch` is this thread's own.
  void score_piece(int64_t a0, int64_t num_a, int64_t b0, int64_t num_b, float* scratch) const {
    const auto a_end = a0 + divide_up(num_a, kXpoolLanes) * kXpoolLanes;
    const auto dots = fast_linear(pairs_.keys.narrow(0, b0, num_b), query_.slice(0, a0, a_end));      // [b, T, a]
    const auto values = fast_linear(pairs_.mixed.narrow(0, b0, num_b), scaled_.slice(0, a0, a_end));  // [b, T, a]
    const auto stride = dots.size(2);
    for (int64_t b = 0; b < num_b; ++b) {
      auto video = video_at(b0 + b);
      video.stride = stride;
      for (int64_t a = 0; a < stride; a += kXpoolLanes) {
        video.dots = dots.const_data_ptr<float>() + b * T_ * stride + a;
        video.values = values.const_data_ptr<float>() + b * T_ * stride + a;
        score_lanes(video, a0 + a, b0 + b, scratch);
      }
    }
  }

  XpoolKernelVideo video_at(int64_t b) const {
    XpoolKernelVideo video{};
    video.frames = T_;
    video.of_attended = pairs_.forms.const_data_ptr<float>() + b * pairs_.forms.size(1);
    video.of_mixed = video.of_attended + T_ * T_;
    video.of_pooled = video.of_mixed + (T_ + 1) * (T_ + 1);
    video.shifts = video.of_pooled + (T_ + 1) * (T_ + 1);
    video.square_shift = square_shift_;
    return video;
  }

  void score_lanes(const XpoolKernelVideo& video, int64_t a, int64_t b, float* scratch) const {
    float scores[kXpoolLanes], kept[kXpoolLanes];
    const XpoolKernelTexts texts = {start_.const_data_ptr<float>() + a, shift_.const_data_ptr<float>() + a};
    xpool_lanes(video, texts, static_cast<float>(kXpoolEps), scratch, scores, kept);
    float* to = scores_.data_ptr<float>() + a * B_ + b;
    const auto count = std::min<int64_t>(kXpoolLanes, A_ - a);
    for (int64_t l = 0; l < count; ++l) {
      to[l * B_] = kept[l] < kCancelled ? FormedPair(pairs_, a + l, b, scratch + l, kXpoolLanes).score() : scores[l];
    }
  }

  XpoolPairs pairs_;
  int64_t A_, B_, T_;
  torch::Tensor query_, scaled_;  // [A, D] to whole lanes; q, g3 x
  torch::Tensor start_, shift_;   // [A] to whole lanes; <g3 x, h_0>, <x, b3>
  float square_shift_;            // <b3, b3>
  torch::Tensor scores_;          // [A, B]
};

}  // namespace

torch::Tensor xpool_forms(const XpoolPairs& videos) {
  const auto B = videos.mixed.size(0), D = videos.mixed.size(2);
  const auto mixed = at::cat({videos.mixed, videos.start.expand({B, 1, D})}, 1);  // [B, T+1, D]
  const auto pooled = mixed * videos.scale3;                                      // [B, T+1, D]
  const auto form = [](const torch::Tensor& rows) {
    const auto gram = at::bmm(rows, rows.transpose(1, 2));           // [B, n, n]
    const auto weights = 2 - at::eye(gram.size(1), gram.options());  // as the kernel reads them
    return (gram * weights).flatten(1);
  };
  const auto width = static_cast<double>(D);
  return at::cat({form(videos.attended) / width, form(mixed) / width, form(pooled), at::matmul(pooled, videos.shift3)},
                 1);
}

torch::Tensor xpool_scores(const XpoolPairs& pairs) {
  const torch::NoGradGuard no_grad;
  return FusedXpool(pairs).run();
}

}  // namespace glint::cpu
