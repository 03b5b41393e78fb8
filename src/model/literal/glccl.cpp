#include "model/literal/glccl.h"

#include <torch/torch.h>

#include <cmath>

#include "model/four_parts.h"
#include "model/literal/forms.h"
#include "model/literal/unit_vectors.h"

namespace glint::literal {

namespace {

// Variance over the four scores, written out.
torch::Tensor csc_of(const std::vector<torch::Tensor>& scores, const std::string& denominator) {
  const auto B = scores[0].size(0);
  const auto mean = (scores[0] + scores[1] + scores[2] + scores[3]) / 4;
  torch::Tensor variance = torch::zeros_like(mean);
  for (const auto& score : scores) variance = variance + (score - mean).pow(2) / 3;
  const auto own = variance.diagonal().sum();
  const auto pairs = denominator == "b2" ? B * B : B * (B - 1);
  return (own / static_cast<double>(B)) / ((variance.sum() - own) / static_cast<double>(pairs));
}

// weights [A, B, N, T], frames [B, T, D] -> [A, B, N, D], unit length
torch::Tensor glim(const torch::Tensor& weights, const torch::Tensor& frames) {
  return unit(torch::einsum("abnt,btd->abnd", {weights, frames}));
}

}  // namespace

Glccl::Glccl(const GlcclConfig& config, int64_t width, int64_t max_words, int64_t max_frames) : config_(config) {
  for (const auto* name : {"global_mat_weight", "local_mat_weight"}) register_parameter(name, torch::eye(width));
  for (const auto* name : {"word_logit_weight", "word_frame_logit_weight", "word_mat_weight", "word_frame_mat_weight",
                           "word_mat_weight2", "word_frame_mat_weight2"}) {
    register_parameter(name, torch::eye(max_words));
  }
  if (config.aggregation == "softmax_linear_softmax") register_parameter("visual_logit_weight", torch::eye(max_frames));
}

// queries [A, N, D], frames [B, T, D], mask [B, T] -> [A, B, N, T]
torch::Tensor Glccl::weights(const torch::Tensor& queries, const torch::Tensor& frames,
                             const torch::Tensor& mask) const {
  const auto softmax = [&](torch::Tensor logits) {  // [A, B, N, T]
    if (config_.mask_frames) logits = logits.masked_fill((mask == 0).view({1, mask.size(0), 1, -1}), -INFINITY);
    return logits.softmax(-1);
  };
  auto weights = torch::einsum("and,btd->abnt", {queries, frames});
  if (config_.aggregation == "mlp_softmax") weights = weights * 0;
  weights = softmax(weights / config_.temperature);
  if (config_.aggregation == "softmax_linear_softmax") {
    weights = softmax(torch::matmul(weights, named_parameters()["visual_logit_weight"]) / config_.temperature);
  }
  return weights;
}

torch::Tensor Glccl::attention(const torch::Tensor& x, int64_t dim, const torch::Tensor& mask) const {
  auto logits = x / config_.score_temperature;
  if (config_.mask_words) logits = logits.masked_fill(mask == 0, -INFINITY);
  return logits.softmax(dim);
}

// sum_k x_k ( softmax(x / temperature) M )_k along `dim`, which is one of words. mask: 0 hides, shaped to x but for
// ones
torch::Tensor Glccl::attend(const torch::Tensor& x, int64_t dim, const torch::Tensor& matrix,
                            const torch::Tensor& mask) const {
  const auto weights = torch::matmul(attention(x, dim, mask).transpose(dim, -1), matrix).transpose(dim, -1);
  return ((config_.mask_words ? x * mask : x) * weights).sum(dim);
}

Glccl::Scores Glccl::forward(const torch::Tensor& sentence, const torch::Tensor& words, const torch::Tensor& frames,
                             const torch::Tensor& word_mask, const torch::Tensor& frame_mask) {
  return score(texts(sentence, words, word_mask), frames, frame_mask);
}

Glccl::Texts Glccl::texts(const torch::Tensor& sentence, const torch::Tensor& words, const torch::Tensor& mask) const {
  const auto p = named_parameters();
  const auto c = unit(sentence), w = unit(words);
  return {sentence,
          words,
          w,
          c,
          torch::matmul(c, p["global_mat_weight"]),
          torch::matmul(w, p["local_mat_weight"]),
          config_.mask_words ? mask.to(words.dtype()) : torch::ones({words.size(0), words.size(1)}, words.options())};
}

Glccl::Scores Glccl::score(const Texts& texts, const torch::Tensor& frames, const torch::Tensor& frame_mask) const {
  const auto p = named_parameters();
  const auto of_sentence = weights(texts.sentence.unsqueeze(1), frames, frame_mask);  // [A, B, 1, T]
  const auto video = glim(of_sentence, frames).squeeze(2);                            // [A, B, D]
  const auto guided = glim(weights(texts.words, frames, frame_mask), frames);         // [A, B, L, D]
  const auto &c = texts.unit_sentence, &w = texts.unit_words, &mask = texts.mask;
  const auto A = w.size(0), L = w.size(1);

  Scores scores;
  scores.video_sentence = torch::einsum("ad,abd->ab", {texts.global_mixed, video});
  const auto m = torch::einsum("aid,abd->aib", {w, video});
  scores.video_word = attend(m, 1, p["word_logit_weight"], mask.view({A, L, 1}));
  scores.frames = of_sentence;
  scores.words = attention(m, 1, mask.view({A, L, 1}));
  const auto n = torch::einsum("ad,abjd->abj", {c, guided});
  scores.sentence_frame = attend(n, 2, p["word_frame_logit_weight"], mask.view({A, 1, L}));
  const auto F = torch::einsum("aid,abjd->aibj", {texts.local_mixed, guided});
  const auto wl = attend(F, 1, p["word_mat_weight"], mask.view({A, L, 1, 1}));        // [A, B, L], over i
  const auto fl = attend(F, 3, p["word_frame_mat_weight"], mask.view({A, 1, 1, L}));  // [A, L, B], over j
  scores.frame_word = (attend(wl, 2, p["word_frame_mat_weight2"], mask.view({A, 1, L})) +
                       attend(fl, 1, p["word_mat_weight2"], mask.view({A, L, 1}))) /
                      2;
  scores.all = (scores.video_sentence + scores.video_word + scores.sentence_frame + scores.frame_word) / 4;
  if (A == frames.size(0)) {
    scores.csc = csc_of({scores.video_sentence, scores.video_word, scores.sentence_frame, scores.frame_word},
                        config_.csc_denominator);
  }
  return scores;
}

namespace {

class GlcclForm final : public RetrievalHead {
 public:
  GlcclForm(const GlcclConfig& config, const FeatureShape& shape, const RetrievalHead& head)
      : csc_weight_(config.csc_weight),
        form_(
            register_module("form", std::make_shared<Glccl>(config, shape.width, shape.max_words, shape.max_frames))) {
    copy_parameters(head, *form_);
  }
  TextFeatures prepare_text(TextFeatures text) override {
    const auto of = form_->texts(text.sentence, text.words, text.mask);
    return {of.sentence,
            of.words,
            of.mask,
            {{"unit_words", of.unit_words},
             {"unit_sentence", of.unit_sentence},
             {"global_mixed", of.global_mixed},
             {"local_mixed", of.local_mixed}}};
  }
  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override { return scores(text, video).all; }
  HeadOutput score_pairs(const TextFeatures& text, const VideoFeatures& video) override {
    const auto all = scores(text, video);
    return {all.all, {{"csc", csc_weight_ * all.csc}}};
  }

 protected:
  PairExplanation explain_pair(const TextFeatures& text, const VideoFeatures& video) override {
    const auto of = scores(prepare_text(text), prepare_video(video));
    return {.parts = four_parts(of.video_sentence, of.video_word, of.sentence_frame, of.frame_word),
            .frames = to_numbers(of.frames),
            .words = to_numbers(of.words),
            .frame_parts = {}};
  }

 private:
  Glccl::Scores scores(const TextFeatures& text, const VideoFeatures& video) const {
    return form_->score({text.sentence, text.words, text.prepared.at("unit_words"), text.prepared.at("unit_sentence"),
                         text.prepared.at("global_mixed"), text.prepared.at("local_mixed"), text.mask},
                        video.frames, video.mask);
  }

  double csc_weight_;
  std::shared_ptr<Glccl> form_;
};

}  // namespace

std::shared_ptr<RetrievalHead> glccl_form(const GlcclConfig& config, const FeatureShape& shape,
                                          const RetrievalHead& head) {
  return std::make_shared<GlcclForm>(config, shape, head);
}

}  // namespace glint::literal
