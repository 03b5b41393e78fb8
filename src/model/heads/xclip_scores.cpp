#include "model/heads/xclip_scores.h"

#include <ATen/ATen.h>

#include <limits>

#include "glint/core/error.h"
#include "glint/nn/linear.h"
#include "model/heads/cpu/kernels.h"
#include "model/heads/cpu/xclip.h"

// A texts, B videos, L tokens, T frames, D width; a, b: those of a block.
namespace glint {
namespace {

// softmax(x / temperature) over the last dimension; 0 where `padding` (undefined: nowhere) says so.
torch::Tensor similarity_softmax(const torch::Tensor& x, double temperature, const torch::Tensor& padding) {
  if (!padding.defined()) return (x / temperature).softmax(-1);
  const auto logits = (x / temperature).masked_fill(padding, std::numeric_limits<float>::lowest());
  return logits.softmax(-1).masked_fill(padding, 0);
}

// Attention over similarities: sum over k of x_k (softmax(x / temperature) M)_k over the last dimension, [..., n] and
// [n, n] -> [...]. There is no second softmax: the weights sum to 1 only while M is the identity. What `padding`
// (undefined: nothing) marks takes no part.
torch::Tensor attend(const torch::Tensor& x, const torch::Tensor& matrix, double temperature,
                     const torch::Tensor& padding = {}) {
  const auto kept = padding.defined() ? x.masked_fill(padding, 0) : x;
  return (at::matmul(similarity_softmax(x, temperature, padding), matrix) * kept).sum(-1);
}

// The similarities that the four scores are made of: of sentence and words, with video (row T) and frames.
struct Similarities {
  torch::Tensor coarse;   // [b, T+1, a]
  torch::Tensor fine;     // [b, T+1, a, L]
  torch::Tensor padding;  // [a, L], or undefined
};

Similarities similarities(const PairTensors& pairs) {
  const auto &sentence = pairs.texts[0], &words = pairs.texts[1], &local = pairs.videos[0], &global = pairs.videos[1];
  const auto a = words.size(0), L = words.size(1), b = local.size(0);
  return {fast_linear(global, sentence), fast_linear(local, words.flatten(0, 1)).view({b, local.size(1), a, L}),
          pairs.texts.size() > 2 ? pairs.texts[2] == 0 : torch::Tensor()};
}

// The formula in operators that autograd knows; the attentions are left out.
XclipParts scores_of(const PairTensors& pairs, const Similarities& all, double temperature) {
  const auto &word_logit = pairs.shared[0], &frame_logit = pairs.shared[1], &word_mat = pairs.shared[2];
  const auto &frame_mat = pairs.shared[3], &word_mat2 = pairs.shared[4], &frame_mat2 = pairs.shared[5];
  const auto& [coarse, fine, padding] = all;
  const auto T = coarse.size(1) - 1;
  const auto sims = fine.narrow(1, 0, T);                                            // [b, T, a, L]
  const auto of_frames = attend(sims, word_mat, temperature, padding);               // [b, T, a]
  const auto of_words = attend(sims.permute({0, 2, 3, 1}), frame_mat, temperature);  // [b, a, L]
  const auto frame_word = attend(of_frames.transpose(1, 2), frame_mat2, temperature) +
                          attend(of_words, word_mat2, temperature, padding);  // [b, a]
  return {.video_sentence = coarse.select(1, T),
          .video_word = attend(fine.select(1, T), word_logit, temperature, padding),
          .sentence_frame = attend(coarse.narrow(1, 0, T).transpose(1, 2), frame_logit, temperature),
          .frame_word = frame_word / 2,
          .words = {},
          .frames = {}};
}

// -> [a, b]
torch::Tensor plain_scores(const PairTensors& pairs, double temperature) {
  const auto of = scores_of(pairs, similarities(pairs), temperature);
  return ((of.video_sentence + of.video_word + of.sentence_frame + of.frame_word) / 4).t();
}

}  // namespace

XclipParts xclip_parts(const PairTensors& pairs, double temperature) {
  const auto all = similarities(pairs);
  const auto T = all.coarse.size(1) - 1;
  auto parts = scores_of(pairs, all, temperature);
  parts.words = similarity_softmax(all.fine.select(1, T), temperature, all.padding);
  parts.frames = similarity_softmax(all.coarse.narrow(1, 0, T).transpose(1, 2), temperature, {});
  return parts;
}

torch::Tensor xclip_scores(const PairTensors& pairs, double temperature) {
  const auto &words = pairs.texts.at(1), &local = pairs.videos.at(0);
  const BlockedScore plain = {
      [temperature](const PairTensors& block, int64_t) { return plain_scores(block, temperature); },
      words.size(1) * local.size(1)};
  const auto scores = cpu::has_kernels_for(words) ? cpu::xclip_scores(pairs, temperature) : plain.all(pairs);
  return wants_gradient(pairs) ? plain.with_gradients(scores, pairs) : scores;
}

}  // namespace glint
