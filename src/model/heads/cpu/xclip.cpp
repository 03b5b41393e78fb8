#include "model/heads/cpu/xclip.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "glint/nn/linear.h"
#include "model/heads/cpu/pieces.h"
#include "model/heads/cpu/xclip_kernel.h"

// A texts, B videos, L tokens, T frames, D width; a, b: those of a piece.
namespace glint::cpu {
namespace {

constexpr int64_t kXclipTextsAtOnce = 64;
constexpr int64_t kXclipPieceFloats = 1 << 20;  // similarities that one thread holds at a time, 4 MiB
constexpr int64_t kAllFloats = 24 << 20;        // and all threads together

// The work of one call, cut into pieces of some texts and some videos that threads take one after the other.
class FusedXclip {
 public:
  FusedXclip(const PairTensors& pairs, double temperature)
      : sentence_(pairs.texts[0].detach()),
        words_(pairs.texts[1].detach()),
        local_(pairs.videos[0].detach().contiguous()),
        global_(pairs.videos[1].detach().contiguous()),
        mask_(pairs.texts.size() > 2 ? pairs.texts[2].to(at::kFloat).contiguous() : torch::Tensor()),
        A_(words_.size(0)),
        L_(words_.size(1)),
        B_(local_.size(0)),
        rows_(local_.size(1)),
        scores_(at::empty({A_, B_}, words_.options())) {
    for (const auto& matrix : pairs.shared) transposed_.push_back(matrix.detach().t().contiguous());
    const auto data = [&](std::size_t i) { return transposed_[i].const_data_ptr<float>(); };
    matrices_ = {
        L_, rows_ - 1, data(0), data(1), data(2), data(3), data(4), data(5), static_cast<float>(1 / temperature)};
  }

  torch::Tensor run() {
    if (A_ == 0 || B_ == 0) return scores_;
    const auto num_a = std::min(A_, kXclipTextsAtOnce), chunks = divide_up(A_, num_a);
    const auto floats = std::min<int64_t>(kXclipPieceFloats, kAllFloats / at::get_num_threads());
    num_b_ = std::clamp<int64_t>(floats / (num_a * L_ * rows_), 1, B_);
    const auto groups = std::clamp<int64_t>(divide_up(wanted_pieces(), chunks), 1, divide_up(B_, num_b_));
    const auto group = divide_up(divide_up(B_, groups), num_b_) * num_b_;
    for_each_piece(
        A_, B_, {num_a, group},
        [&] {
          return at::empty({rows_ * (L_ + 1) + 2 * L_ + rows_ + std::max(L_, rows_) + 1, kXclipLanes},
                           words_.options());
        },
        [&](int64_t a0, int64_t a, int64_t b0, int64_t b, const torch::Tensor& scratch) {
          score_piece(a0, a, b0, b, scratch);
        });
    return scores_;
  }

 private:
  // The texts from `a0` on with the videos from `b0` on.
  void score_piece(int64_t a0, int64_t a, int64_t b0, int64_t num_b, const torch::Tensor& scratch) const {
    const auto b_end = b0 + num_b;
    const auto sentence = sentence_.narrow(0, a0, a);                                            // [a, D]
    const auto words = words_.narrow(0, a0, a).transpose(0, 1).contiguous().view({L_ * a, -1});  // [L*a, D]
    for (int64_t b = b0; b < b_end; b += num_b_) {
      const auto count = std::min(num_b_, b_end - b);
      const auto local = fast_linear(local_.narrow(0, b, count), words);       // [b, T+1, L*a]
      const auto global = fast_linear(global_.narrow(0, b, count), sentence);  // [b, T+1, a]
      score_block(a0, a, b, local, global, scratch.data_ptr<float>());
    }
  }

  void score_block(int64_t a0, int64_t a, int64_t b0, const torch::Tensor& local, const torch::Tensor& global,
                   float* scratch) const {
    float* local_lanes = scratch;                                  // [T+1, L, lanes]
    float* global_lanes = local_lanes + rows_ * L_ * kXclipLanes;  // [T+1, lanes]
    float* scores = global_lanes + rows_ * kXclipLanes;            // [lanes]
    float* kept = scores + kXclipLanes;                            // [L, lanes]
    float* rest = kept + L_ * kXclipLanes;
    for (int64_t b = 0; b < local.size(0); ++b) {
      const float* of_words = local.const_data_ptr<float>() + b * rows_ * L_ * a;
      const float* of_sentence = global.const_data_ptr<float>() + b * rows_ * a;
      for (int64_t i = 0; i < a; i += kXclipLanes) {
        const auto count = std::min<int64_t>(kXclipLanes, a - i);
        copy_lanes(of_words + i, rows_ * L_, a, count, local_lanes);
        copy_lanes(of_sentence + i, rows_, a, count, global_lanes);
        if (mask_.defined()) hide_words(a0 + i, count, local_lanes, kept);
        xclip_lanes(matrices_, local_lanes, global_lanes, mask_.defined() ? kept : nullptr, rest, scores);
        float* to = scores_.data_ptr<float>() + (a0 + i) * B_ + b0 + b;
        for (int64_t l = 0; l < count; ++l) to[l * B_] = scores[l];
      }
    }
  }

  // `count` lanes of each of `rows` rows, the lanes beyond them zero.
  static void copy_lanes(const float* from, int64_t rows, int64_t stride, int64_t count, float* to) {
    for (int64_t row = 0; row < rows; ++row, from += stride, to += kXclipLanes) {
      if (count == kXclipLanes) {
        std::memcpy(to, from, kXclipLanes * sizeof(float));
      } else {
        std::fill_n(std::copy_n(from, count, to), kXclipLanes - count, 0.0F);
      }
    }
  }

  // Writes the masks of `count` texts from `a` on to `kept` [L, lanes], and zeros to what they hide in `local`.
  void hide_words(int64_t a, int64_t count, float* local, float* kept) const {
    const float* mask = mask_.const_data_ptr<float>() + a * L_;
    for (int64_t i = 0; i < L_; ++i) {
      for (int64_t l = 0; l < kXclipLanes; ++l) kept[i * kXclipLanes + l] = l < count ? mask[l * L_ + i] : 0;
    }
    const int64_t lanes = L_ * kXclipLanes;
    for (int64_t t = 0; t < rows_; ++t) {
      for (int64_t i = 0; i < lanes; ++i) local[t * lanes + i] *= kept[i];
    }
  }

  torch::Tensor sentence_, words_;  // [A, D], [A, L, D]
  torch::Tensor local_, global_;    // [B, T+1, D]
  torch::Tensor mask_;              // float [A, L], 1 on words that take part; undefined: all do
  int64_t A_, L_, B_, rows_;        // rows_: T + 1
  int64_t num_b_ = 1;               // videos whose similarities a thread holds at a time
  torch::Tensor scores_;            // [A, B]
  std::vector<torch::Tensor> transposed_;
  XclipKernelMatrices matrices_{};
};

}  // namespace

torch::Tensor xclip_scores(const PairTensors& pairs, double temperature) {
  return FusedXclip(pairs, temperature).run();
}

}  // namespace glint::cpu
