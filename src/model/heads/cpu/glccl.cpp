#include "model/heads/cpu/glccl.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "glint/nn/affine.h"
#include "model/heads/cpu/glccl_kernel.h"
#include "model/heads/cpu/packed_videos.h"
#include "model/heads/cpu/pieces.h"

namespace glint::cpu {
namespace {

// Dot products that one thread holds at a time: 1 MiB stays in its cache.
constexpr int64_t kGlcclPieceFloats = 1 << 18;

// Which words of each text take part, and the matrices as the kernel wants them.
class PackedTexts {
 public:
  PackedTexts(const torch::Tensor& scale, const torch::Tensor& mask, const torch::Tensor& levels,
              const GlcclRules& rules)
      : rules_(rules),
        scale_(scale.detach().contiguous()),
        kept_(mask.defined() ? (mask != 0).contiguous() : torch::Tensor()),
        transposed_(levels.detach().transpose(1, 2).contiguous()) {
    const auto L = levels.size(-1);
    for (int64_t i = 0; i < L; ++i) all_words_.push_back(static_cast<int32_t>(i));
  }

  // One thread's copy of what a masked text needs.
  struct Memory {
    std::vector<int32_t> kept;
    std::vector<float> matrices;
  };

  GlcclText at(int64_t a, Memory& memory) const {
    const auto L = transposed_.size(-1);
    GlcclText text{L,
                   all_words_.data(),
                   L,
                   scale_.const_data_ptr<float>() + a * (L + 1),
                   {},
                   inverse_temperature(),
                   static_cast<float>(1 / rules_.score_temperature)};
    for (int64_t i = 0; i < 6; ++i) text.matrices[i] = transposed_.const_data_ptr<float>() + i * L * L;
    if (kept_.defined()) keep_words(kept_.const_data_ptr<bool>() + a * L, text, memory);
    return text;
  }

  float inverse_temperature() const { return static_cast<float>(1 / rules_.temperature); }
  float sentence_scale(int64_t a) const { return scale_.const_data_ptr<float>()[(a + 1) * scale_.size(1) - 1]; }

 private:
  void keep_words(const bool* keep, GlcclText& text, Memory& memory) const {
    memory.kept.clear();
    for (int32_t i = 0; i < text.words; ++i) {
      if (keep[i]) memory.kept.push_back(i);
    }
    const auto N = static_cast<int64_t>(memory.kept.size());
    memory.matrices.resize(static_cast<std::size_t>(6 * N * N));
    float* to = memory.matrices.data();
    for (auto& matrix : text.matrices) {
      const float* from = matrix;
      matrix = to;
      for (const auto i : memory.kept) {
        for (const auto k : memory.kept) *to++ = from[i * text.words + k];
      }
    }
    text.kept = memory.kept.data();
    text.count = N;
  }

  GlcclRules rules_;
  torch::Tensor scale_;       // [A, L + 1]
  torch::Tensor kept_;        // bool [A, L] or undefined
  torch::Tensor transposed_;  // [6, L, L]
  std::vector<int32_t> all_words_;
};

// The work of one call, cut into pieces of some texts and some videos that threads take one after the other.
class FusedScores {
 public:
  FusedScores(const GlcclTexts& texts, const GlcclVideos& videos, const torch::Tensor& levels, const GlcclRules& rules,
              bool apart)
      : texts_(texts.scale, texts.mask, levels, rules),
        videos_(videos.mask, videos.gram),
        rows_(texts.rows.detach().contiguous()),
        video_rows_(videos.rows.detach().contiguous()),
        T_(videos.gram.size(-1)),
        L_(levels.size(-1)),
        apart_(apart),
        scores_(at::zeros({rows_.size(0), video_rows_.size(0), apart ? 4 : 1}, rows_.options())) {}

  torch::Tensor run() {
    if (scores_.numel() > 0) score_all();
    return apart_ ? scores_ : scores_.squeeze(-1);
  }

 private:
  void score_all() {
    const auto A = rows_.size(0), B = video_rows_.size(0);
    videos_a_piece_ = std::min<int64_t>(B, kVideoLanes);
    const auto room = kGlcclPieceFloats / (videos_a_piece_ * 2 * T_ * (L_ + 2));
    const auto texts_a_piece = std::clamp<int64_t>(room, 1, std::min<int64_t>(A, kPoolingLanes));
    for_each_piece(
        A, B, {texts_a_piece, videos_a_piece_}, [&] { return Memory(*this); },
        [&](int64_t a0, int64_t num_a, int64_t b0, int64_t num_b, Memory& memory) {
          score_piece(a0, num_a, b0, num_b, memory);
        });
  }

  // One thread's own.
  struct Memory {
    explicit Memory(const FusedScores& work)
        : floats(at::empty({GlcclScratch::floats(work.L_, work.T_)}, at::kFloat)),
          alpha(at::empty({work.videos_a_piece_, work.T_, kPoolingLanes}, at::kFloat)),
          sentence(at::zeros({2, work.T_, kPoolingLanes}, at::kFloat)),
          scratch(floats.data_ptr<float>(), work.L_, work.T_) {}
    torch::Tensor floats;
    torch::Tensor alpha;     // [videos, T, texts]: the weights of the frames in v, |v| = 1
    torch::Tensor sentence;  // [2, T, texts]: <c, V_t>, <c W_g, V_t>
    GlcclScratch scratch;
    PackedTexts::Memory text;
  };

  // The texts from `a0` on with the videos from `b0` on.
  void score_piece(int64_t a0, int64_t num_a, int64_t b0, int64_t num_b, Memory& memory) {
    const auto D = rows_.size(2), width = L_ + 2;
    const auto dots = affine(video_rows_.narrow(0, b0, num_b).view({num_b * 2 * T_, D}),
                             rows_.narrow(0, a0, num_a).view({num_a * width, D}));  // [num_b 2 T, num_a (L + 2)]
    const float* all = dots.const_data_ptr<float>();
    const auto stride = num_a * width;
    for (int64_t b = 0; b < num_b; ++b) pool_sentences(all + b * 2 * T_ * stride, a0, num_a, b0, b, memory);
    for (int64_t a = 0; a < num_a; ++a) {
      const auto text = texts_.at(a0 + a, memory.text);
      if (text.count == 0) continue;  // its scores with words are 0
      for (int64_t b = 0; b < num_b; ++b) {
        const float* words = all + b * 2 * T_ * stride + a * width;
        const GlcclPair pair{videos_.at(b0 + b, words, stride), words + T_ * stride,
                             video_rows_.const_data_ptr<float>() + (b0 + b) * 2 * T_ * D, D,
                             memory.alpha.const_data_ptr<float>() + b * T_ * kPoolingLanes + a};
        glccl_pair(text, pair, static_cast<int>(b), memory.scratch);
      }
      float scores[3][kVideoLanes];
      glccl_group(text, memory.scratch, scores);
      for (int64_t b = 0; b < num_b; ++b) {
        for (int64_t i = 0; i < 3; ++i) add(i + 1, a0 + a, b0 + b, scores[i][b]);
      }
    }
  }

  // v of every text of the piece with video b0 + b, by its weights, and S_vs. dots [2 T, num_a (L + 2)]
  void pool_sentences(const float* dots, int64_t a0, int64_t num_a, int64_t b0, int64_t b, Memory& memory) {
    const auto D = rows_.size(2), width = L_ + 2, stride = num_a * width;
    float* own = memory.sentence.data_ptr<float>();
    float* projected = own + T_ * kPoolingLanes;
    for (int64_t t = 0; t < T_; ++t) {
      for (int64_t a = 0; a < num_a; ++a) {
        own[t * kPoolingLanes + a] = dots[t * stride + a * width + L_];
        projected[t * kPoolingLanes + a] = dots[t * stride + a * width + L_ + 1];
      }
    }
    const auto video = videos_.at(b0 + b, own, kPoolingLanes);
    PoolingLanes lanes;
    lanes.weights = memory.alpha.data_ptr<float>() + b * T_ * kPoolingLanes;
    pool_lanes(video, texts_.inverse_temperature(), lanes);
    float inverse[kPoolingLanes], sums[kPoolingLanes] = {};
    inverse_norms(video, lanes, video_rows_.const_data_ptr<float>() + (b0 + b) * 2 * T_ * D, D, static_cast<int>(num_a),
                  inverse);
    for (int64_t t = 0; t < video.count; ++t) {
      for (int l = 0; l < kPoolingLanes; ++l) {
        lanes.weights[t * kPoolingLanes + l] *= inverse[l];
        sums[l] += lanes.weights[t * kPoolingLanes + l] * projected[video.frames[t] * kPoolingLanes + l];
      }
    }
    for (int64_t a = 0; a < num_a; ++a) add(0, a0 + a, b0 + b, sums[a] * texts_.sentence_scale(a0 + a));
  }

  void add(int64_t i, int64_t a, int64_t b, float score) {
    float* of_pair = scores_.data_ptr<float>() + (a * scores_.size(1) + b) * scores_.size(2);
    if (apart_) {
      of_pair[i] = score;
    } else {
      *of_pair += score / 4;
    }
  }

  PackedTexts texts_;
  PackedVideos videos_;
  torch::Tensor rows_, video_rows_;  // [A, L + 2, D], [B, 2 T, D]
  int64_t T_, L_;
  bool apart_;
  torch::Tensor scores_;  // [A, B, 4], or [A, B, 1] of their means
  int64_t videos_a_piece_ = 0;
};

}  // namespace

torch::Tensor glccl_scores(const GlcclTexts& texts, const GlcclVideos& videos, const torch::Tensor& levels,
                           const GlcclRules& rules, bool apart) {
  return FusedScores(texts, videos, levels, rules, apart).run();
}

}  // namespace glint::cpu
