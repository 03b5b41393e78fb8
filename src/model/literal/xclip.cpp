#include "model/literal/xclip.h"

#include "model/four_parts.h"
#include "model/literal/forms.h"
#include "model/literal/unit_vectors.h"

namespace glint::literal {

Xclip::Xclip(const XclipConfig& config, int64_t width, int64_t words, int64_t frames)
    : temperature_(config.temperature) {
  global_mat_ = register_parameter("global_mat_weight", torch::eye(width));
  local_mat_ = register_parameter("local_mat_weight", torch::eye(width));
  word_logit_ = register_parameter("word_logit_weight", torch::eye(words));
  word_mat_ = register_parameter("word_mat_weight", torch::eye(words));
  word_mat2_ = register_parameter("word_mat_weight2", torch::eye(words));
  frame_logit_ = register_parameter("frame_logit_weight", torch::eye(frames));
  frame_mat_ = register_parameter("frame_mat_weight", torch::eye(frames));
  frame_mat2_ = register_parameter("frame_mat_weight2", torch::eye(frames));
}

Xclip::Scores Xclip::forward(const torch::Tensor& sentence, const torch::Tensor& words, const torch::Tensor& frames,
                             const torch::Tensor& clip_frames, const torch::Tensor& mask) {
  return score(texts(sentence, words), videos(frames, clip_frames, mask));
}

Xclip::Texts Xclip::texts(const torch::Tensor& sentence, const torch::Tensor& words) const {
  const auto c = unit(sentence), w = unit(words);
  return {c, w, torch::matmul(c, global_mat_), torch::matmul(w, local_mat_)};
}

Xclip::Videos Xclip::videos(const torch::Tensor& frames, const torch::Tensor& clip_frames, const torch::Tensor& mask) {
  const auto m = mask.to(frames.dtype()).unsqueeze(-1);  // [B, T, 1]
  return {unit((unit(frames) * m).sum(1) / m.sum(1)), unit(clip_frames)};
}

Xclip::Scores Xclip::score(const Texts& texts, const Videos& videos) const {
  const auto attention = [&](const torch::Tensor& x, int64_t dim) { return (x / temperature_).softmax(dim); };
  const auto &c = texts.sentence, &w = texts.words, &v = videos.whole, &f = videos.frames;
  Scores scores;
  scores.video_sentence = torch::einsum("ad,bd->ab", {texts.global_mixed, v});
  const auto vw = torch::einsum("aid,bd->aib", {w, v});
  scores.video_word = (vw * torch::einsum("aib,ij->ajb", {attention(vw, 1), word_logit_})).sum(1);
  const auto sf = torch::einsum("btd,ad->bat", {f, c});
  scores.sentence_frame = (sf * torch::einsum("bat,tu->bau", {attention(sf, 2), frame_logit_})).sum(2).t();
  const auto F = torch::einsum("aid,btd->aibt", {texts.local_mixed, f});                                // [A, L, B, T]
  const auto word_level = (F * torch::einsum("aibt,ij->ajbt", {attention(F, 1), word_mat_})).sum(1);    // [A, B, T]
  const auto frame_level = (F * torch::einsum("aibt,tu->aibu", {attention(F, 3), frame_mat_})).sum(3);  // [A, L, B]
  const auto over_frames = (word_level * torch::einsum("abt,tu->abu", {attention(word_level, 2), frame_mat2_})).sum(2);
  const auto over_words = (frame_level * torch::einsum("aib,ij->ajb", {attention(frame_level, 1), word_mat2_})).sum(1);
  scores.words = attention(vw, 1);
  scores.frames = attention(sf, 2);
  scores.frame_word = (over_frames + over_words) / 2;
  scores.all = (scores.video_sentence + scores.video_word + scores.sentence_frame + scores.frame_word) / 4;
  return scores;
}

namespace {

class XclipForm final : public RetrievalHead {
 public:
  XclipForm(const XclipConfig& config, const FeatureShape& shape, const RetrievalHead& head)
      : form_(
            register_module("form", std::make_shared<Xclip>(config, shape.width, shape.max_words, shape.max_frames))) {
    copy_parameters(head, *form_);
  }
  TextFeatures prepare_text(TextFeatures text) override {
    const auto of = form_->texts(text.sentence, text.words);
    return {of.sentence, of.words, {}, {{"global_mixed", of.global_mixed}, {"local_mixed", of.local_mixed}}};
  }
  VideoFeatures prepare_video(VideoFeatures video) override {
    const auto of = Xclip::videos(video.frames, video.clip_frames, video.mask);
    return {of.frames, {}, {}, {{"whole", of.whole}}};
  }
  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override { return scores(text, video).all; }

 protected:
  PairExplanation explain_pair(const TextFeatures& text, const VideoFeatures& video) override {
    const auto of = scores(prepare_text(text), prepare_video(video));
    return {.parts = four_parts(of.video_sentence, of.video_word, of.sentence_frame, of.frame_word),
            .frames = to_numbers(of.frames),
            .words = to_numbers(of.words),
            .frame_parts = {}};
  }

 private:
  Xclip::Scores scores(const TextFeatures& text, const VideoFeatures& video) const {
    return form_->score({text.sentence, text.words, text.prepared.at("global_mixed"), text.prepared.at("local_mixed")},
                        {video.prepared.at("whole"), video.frames});
  }

  std::shared_ptr<Xclip> form_;
};

}  // namespace

std::shared_ptr<RetrievalHead> xclip_form(const XclipConfig& config, const FeatureShape& shape,
                                          const RetrievalHead& head) {
  return std::make_shared<XclipForm>(config, shape, head);
}

}  // namespace glint::literal
