#include "model/heads/glccl_scores.h"

#include <torch/torch.h>

#include <algorithm>
#include <limits>

#include "glint/core/error.h"
#include "glint/nn/linear.h"
#include "model/heads/pair_blocks.h"
#include "model/heads/text_guided_pooling.h"

namespace glint {
namespace {

using torch::Tensor;

// What a block of pairs is scored from.
struct Inputs {
  Tensor rows, scale, word_mask;        // of texts
  Tensor video_rows, gram, frame_mask;  // of videos
  Tensor levels, visual;                // of all

  // Without the undefined ones, which stand last.
  PairTensors tensors() const {
    PairTensors all{{rows, scale}, {video_rows, gram}, {levels}};
    if (word_mask.defined()) all.texts.push_back(word_mask);
    if (frame_mask.defined()) all.videos.push_back(frame_mask);
    if (visual.defined()) all.shared.push_back(visual);
    return all;
  }
  static Inputs of(const PairTensors& all) {
    const auto optional = [](const Tensors& some, std::size_t i) { return some.size() > i ? some[i] : Tensor(); };
    return {all.texts[0],  all.texts[1],           optional(all.texts, 2),
            all.videos[0], all.videos[1],          optional(all.videos, 2),
            all.shared[0], optional(all.shared, 1)};
  }
};

// softmax(x / temperature) over the last dimension, 0 on padding, which is of x's shape but for ones, or undefined.
Tensor word_softmax(const Tensor& x, double temperature, const Tensor& padding) {
  if (!padding.defined()) return (x / temperature).softmax(-1);
  const auto logits = (x / temperature).masked_fill(padding, std::numeric_limits<float>::lowest());
  return logits.softmax(-1).masked_fill(padding, 0);
}

// One level of attention over scores: sum_k x_k ( softmax(x / temperature) M )_k = sum_i softmax_i (M x)_i over the
// last dimension. x [..., L]; padding, of x's shape but for ones, or undefined -> [...]
Tensor level(const Tensor& x, const Tensor& matrix, double temperature, const Tensor& padding) {
  const auto kept = padding.defined() ? x.masked_fill(padding, 0) : x;
  return (word_softmax(x, temperature, padding) * fast_linear(kept, matrix)).sum(-1);
}

// GLIM's weights over frames for N texts or words. dots, result [B, T, N]
Tensor glim_weights(const Tensor& dots, const Tensor& mask, const Tensor& visual, const GlcclRules& rules) {
  if (rules.aggregation == Aggregation::kUniform) return frame_softmax(at::zeros_like(dots), mask, 1);
  const auto weights = frame_softmax(dots, mask, rules.temperature);
  if (rules.aggregation == Aggregation::kSoftmax) return weights;
  return frame_softmax(at::matmul(visual.t(), weights), mask, rules.temperature);
}

// The same divided by the norm of what they sum up.
Tensor unit_glim_weights(const Tensor& dots, const Inputs& in, const GlcclRules& rules) {
  const auto frames = in.video_rows.narrow(1, 0, in.gram.size(-1));  // [B, T, D]
  return unit_weights(glim_weights(dots, in.frame_mask, in.visual, rules), frames, in.gram);
}

// The four scores of all pairs of `in`, in operators that autograd knows. -> [A, B, 4]
Tensor scores_in_operators(const Inputs& in, const GlcclRules& rules) {
  const auto A = in.rows.size(0), B = in.video_rows.size(0), L = in.levels.size(-1), T = in.gram.size(-1);
  const auto dots = fast_linear(in.video_rows, in.rows.flatten(0, 1)).view({B, 2 * T, A, L + 2});
  const auto to_frames = dots.narrow(1, 0, T);                     // [B, T, A, L + 2]: <x, V_t>
  const auto words = to_frames.narrow(3, 0, L);                    // [B, T, A, L]
  const auto sentence = to_frames.select(3, L);                    // [B, T, A]
  const auto projected = dots.narrow(1, T, T).narrow(3, 0, L);     // [B, T, A, L]: <w W_l, V_t>
  const auto word_scale = in.scale.narrow(1, 0, L).unsqueeze(0);   // [1, A, L]
  const auto sentence_scale = in.scale.select(1, L).unsqueeze(0);  // [1, A]
  const auto alpha = unit_glim_weights(sentence, in, rules);       // [B, T, A] of v
  const auto beta = unit_glim_weights(words.reshape({B, T, A * L}), in, rules).view({B, T, A, L});  // of f

  const auto video_sentence = (alpha * to_frames.select(3, L + 1)).sum(1) * sentence_scale;           // [B, A]
  const auto video_word = (alpha.unsqueeze(-1) * words).sum(1) * word_scale;                          // [B, A, L]
  const auto sentence_frame = (beta * sentence.unsqueeze(-1)).sum(1) * sentence_scale.unsqueeze(-1);  // [B, A, L]
  const auto frame_word =                                                                             // F [B, A, L, L]
      at::matmul(projected.permute({0, 2, 3, 1}), beta.permute({0, 2, 1, 3})) * word_scale.unsqueeze(-1);

  const auto padding = in.word_mask.defined() ? (in.word_mask == 0).unsqueeze(0) : Tensor();  // [1, A, L]
  const auto row_padding = padding.defined() ? padding.unsqueeze(2) : Tensor();               // [1, A, 1, L]
  const auto attend = [&](const Tensor& x, int64_t matrix, const Tensor& hidden) {
    return level(x, in.levels[matrix], rules.score_temperature, hidden);
  };
  const auto per_frame = attend(frame_word.transpose(2, 3), 2, row_padding);  // wl [B, A, L], over words
  const auto per_word = attend(frame_word, 3, row_padding);                   // fl [B, A, L], over frames
  const auto local = (attend(per_frame, 5, padding) + attend(per_word, 4, padding)) / 2;
  return at::stack({video_sentence, attend(video_word, 0, padding), attend(sentence_frame, 1, padding), local}, -1)
      .transpose(0, 1);
}

// -> [A, B, 4], or their mean [A, B]
Tensor pair_scores(const GlcclTexts& texts, const GlcclVideos& videos, const GlcclMatrices& matrices,
                   const GlcclRules& rules, bool apart) {
  const auto L = matrices.levels.size(-1), T = videos.gram.size(-1);
  GLINT_CHECK(texts.rows.size(1) == L + 2 && texts.scale.size(1) == L + 1, "texts ", texts.rows.sizes(), ", ", L,
              " words");
  GLINT_CHECK(videos.rows.size(1) == 2 * T && videos.rows.size(2) == texts.rows.size(2), "videos ", videos.rows.sizes(),
              ", texts ", texts.rows.sizes(), ", ", T, " frames");
  const auto A = texts.rows.size(0), B = videos.rows.size(0);
  if (A == 0 || B == 0)
    return apart ? at::zeros({A, B, 4}, texts.rows.options()) : at::zeros({A, B}, texts.rows.options());
  const auto pairs = Inputs{texts.rows,  texts.scale, texts.mask,      videos.rows,
                            videos.gram, videos.mask, matrices.levels, matrices.visual}
                         .tensors();
  const BlockedScore blocks{[rules, apart](const PairTensors& block, int64_t) {
                              const auto scores = scores_in_operators(Inputs::of(block), rules);
                              return apart ? scores : scores.mean(-1);
                            },
                            L * std::max(L, 2 * T)};
  const auto scores = blocks.all(pairs);
  return wants_gradient(pairs) ? blocks.with_gradients(scores, pairs) : scores;
}

}  // namespace

GlcclAttention glccl_attention(const GlcclTexts& texts, const GlcclVideos& videos, const GlcclRules& rules,
                               const Tensor& visual) {
  const auto A = texts.rows.size(0), B = videos.rows.size(0), L = texts.rows.size(1) - 2, T = videos.gram.size(-1);
  const auto frames = videos.rows.narrow(1, 0, T);                                              // [B, T, D]
  const auto dots = fast_linear(frames, texts.rows.flatten(0, 1)).view({B, T, A, L + 2});       // <x, V_t>
  const auto weights = glim_weights(dots.select(3, L), videos.mask, visual, rules);             // [B, T, A]
  const auto alpha = unit_weights(weights, frames, videos.gram).unsqueeze(-1);                  // [B, T, A, 1]
  const auto video_word = (alpha * dots.narrow(3, 0, L)).sum(1) * texts.scale.narrow(1, 0, L);  // [B, A, L]
  const auto padding = texts.mask.defined() ? (texts.mask == 0).unsqueeze(0) : Tensor();        // [1, A, L]
  const auto words = word_softmax(video_word, rules.score_temperature, padding);
  return {weights.permute({2, 0, 1}), words.transpose(0, 1)};
}

Tensor glccl_scores(const GlcclTexts& texts, const GlcclVideos& videos, const GlcclMatrices& matrices,
                    const GlcclRules& rules) {
  return pair_scores(texts, videos, matrices, rules, /*apart=*/false);
}

Tensor glccl_four_scores(const GlcclTexts& texts, const GlcclVideos& videos, const GlcclMatrices& matrices,
                         const GlcclRules& rules) {
  return pair_scores(texts, videos, matrices, rules, /*apart=*/true).permute({2, 0, 1});
}

}  // namespace glint
