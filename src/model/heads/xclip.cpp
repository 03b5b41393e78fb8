#include <map>
#include <memory>
#include <string>
#include <utility>

#include "glint/core/error.h"
#include "glint/model/head_descriptor.h"
#include "glint/nn/linear.h"
#include "model/four_parts.h"
#include "model/heads/prepared.h"
#include "model/heads/unit.h"
#include "model/heads/xclip_scores.h"
#include "model/literal/forms.h"

namespace glint {
namespace {

// X-CLIP (methods 5.1): sentence and words against video and frames, each of the four weighed by attention over the
// similarities themselves. The video is the mean of the temporal encoder's frames, the frames are CLIP's own.
// A texts, B videos, L tokens, T frames, D width.
class XclipHead final : public RetrievalHead {
 public:
  XclipHead(const XclipConfig& config, const FeatureShape& shape) : config_(config) {
    const auto identity = [&](const char* name, int64_t n) { return register_parameter(name, torch::eye(n)); };
    global_mat_ = identity("global_mat_weight", shape.width);
    word_logit_ = identity("word_logit_weight", shape.max_words);
    frame_logit_ = identity("frame_logit_weight", shape.max_frames);
    local_mat_ = identity("local_mat_weight", shape.width);
    frame_mat_ = identity("frame_mat_weight", shape.max_frames);
    word_mat_ = identity("word_mat_weight", shape.max_words);
    frame_mat2_ = identity("frame_mat_weight2", shape.max_frames);
    word_mat2_ = identity("word_mat_weight2", shape.max_words);
  }

  // Note [X-CLIP masks]: as released, padding takes part in every attention, words and frames alike; the frame mask is
  // for the mean alone. mask_words = true keeps padding words out.
  TextFeatures prepare_text(TextFeatures text) override {
    GLINT_CHECK(text.words.size(1) == word_mat_.size(0), "texts of ", text.words.size(1), " words, matrices for ",
                word_mat_.size(0));
    text.sentence = unit(text.sentence);  // [A, D]
    text.words = unit(text.words);        // [A, L, D]
    if (!config_.mask_words) text.mask.reset();
    return text;
  }

  VideoFeatures prepare_video(VideoFeatures video) override {
    GLINT_CHECK(video.clip_frames.size(1) == frame_mat_.size(0), "videos of ", video.clip_frames.size(1),
                " frames, matrices for ", frame_mat_.size(0));
    const auto whole = unit_mean(video.frames, video.mask);  // [B, D]
    const auto frames = unit(video.clip_frames);             // [B, T, D]
    // <x W, y> = <x, W y>: W acts on the side with fewer rows.
    video.prepared[prepared::kLocal] =
        at::cat({fast_linear(frames, local_mat_), whole.unsqueeze(1)}, 1);  // [B, T+1, D]
    video.prepared[prepared::kGlobal] =
        at::cat({frames, fast_linear(whole, global_mat_).unsqueeze(1)}, 1);  // [B, T+1, D]
    video.frames.reset();
    video.clip_frames.reset();
    return video;
  }

  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override {
    return xclip_scores(pairs(text, video), config_.temperature);
  }

  std::map<std::string, std::string> reference_names() const override {
    std::map<std::string, std::string> names;  // ours are those of the release
    for (const auto& parameter : named_parameters()) names[parameter.key()] = parameter.key();
    return names;
  }

 protected:
  PairExplanation explain_pair(const TextFeatures& text, const VideoFeatures& video) override {
    const auto of = xclip_parts(pairs(prepare_text(text), prepare_video(video)), config_.temperature);
    return {.parts = four_parts(of.video_sentence, of.video_word, of.sentence_frame, of.frame_word),
            .frames = to_numbers(of.frames),
            .words = to_numbers(of.words),
            .frame_parts = {}};
  }

 private:
  PairTensors pairs(const TextFeatures& text, const VideoFeatures& video) const {
    Tensors texts = {text.sentence, text.words};
    if (text.mask.defined()) texts.push_back(text.mask);
    return {std::move(texts),
            {video.prepared.at(prepared::kLocal), video.prepared.at(prepared::kGlobal)},
            {word_logit_, frame_logit_, word_mat_, frame_mat_, word_mat2_, frame_mat2_}};
  }

  XclipConfig config_;
  torch::Tensor global_mat_, local_mat_;                // [D, D]
  torch::Tensor word_logit_, word_mat_, word_mat2_;     // [L, L]
  torch::Tensor frame_logit_, frame_mat_, frame_mat2_;  // [T, T]
};

class XclipDescriptor final : public HeadDescriptor<XclipConfig> {
 public:
  std::shared_ptr<RetrievalHead> make(const XclipConfig& config, const FeatureShape& shape) const override {
    if (!(config.temperature > 0)) throw Error("config.head.temperature: ", config.temperature, " is not above 0");
    return std::make_shared<XclipHead>(config, shape);
  }

  HeadCost cost(const XclipConfig&, const HeadSizes& sizes) const override {
    const auto T = sizes.frames, L = sizes.words, D = sizes.width;
    const auto dots = (L + 1) * (T + 1) * D;                  // 5.1: of sentence and words with video and frames
    const auto coarse = L * L + T * T;                        // word_logit, frame_logit
    const auto fine = T * L * L + L * T * T + L * L + T * T;  // word_mat, frame_mat, and the second level
    HeadCost cost;
    cost.released = {.text = (L + 1) * D * D, .pair = dots + coarse + fine};
    cost.exact = {.video = (T + 1) * D * D};  // W_g and W_l act on the video's side, which has fewer rows
    cost.published = dots + coarse + L + T;   // 3.7: the attention over F is left out, coarse weighted sums are not
    return cost;
  }

  std::vector<MatrixProduct> pair_products(const XclipConfig&, const HeadSizes& sizes, int64_t texts,
                                           int64_t videos) const override {
    const auto T = sizes.frames, L = sizes.words, D = sizes.width, pairs = texts * videos;
    return {{.rows = videos * (T + 1), .inner = D, .columns = texts * L},  // <w_i W_l, f_t>, <w_i, v>
            {.rows = videos * (T + 1), .inner = D, .columns = texts},      // <c, f_t>, <c W_g, v>
            {.rows = pairs * T, .inner = L, .columns = L},                 // M softmax over words
            {.rows = pairs * L, .inner = T, .columns = T},                 // M softmax over frames
            {.rows = 2 * pairs, .inner = L, .columns = L},                 // of what those leave, and word_logit
            {.rows = 2 * pairs, .inner = T, .columns = T}};
  }

  std::shared_ptr<RetrievalHead> literal(const XclipConfig& config, const FeatureShape& shape,
                                         const RetrievalHead& head) const override {
    return literal::xclip_form(config, shape, head);
  }

  double literal_floats(const HeadSizes& sizes, bool train) const override {
    return (train ? 10 : 5) * static_cast<double>(sizes.words * sizes.frames);
  }

  ReleasedSystem released() const override {
    return {.name = "xclip", .words_weight = "word_logit_weight", .frames_weight = "frame_logit_weight"};
  }

  std::optional<XclipConfig> of_released(const TensorMap& weights) const override {
    return weights.count("frame_logit_weight") > 0 ? std::optional(XclipConfig{}) : std::nullopt;
  }
};

}  // namespace

const HeadDescriptor<XclipConfig>& descriptor(const XclipConfig&) {
  static const XclipDescriptor descriptor;
  return descriptor;
}

}  // namespace glint
