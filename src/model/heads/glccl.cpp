#include <memory>
#include <string>

#include "glint/core/error.h"
#include "glint/model/head_descriptor.h"
#include "glint/nn/linear.h"
#include "model/four_parts.h"
#include "model/heads/glccl_scores.h"
#include "model/heads/prepared.h"
#include "model/literal/forms.h"

namespace glint {
namespace {

// 1 / |x| over the last dimension; 0 where x is zero.
// Note [GLCCL zeros]: the release divides by zero where a vector or a text-guided feature is zero. Here what has no
// direction has the cosine 0 with everything, and a finite gradient.
torch::Tensor inverse_norm(const torch::Tensor& x) {
  const auto norm = at::linalg_vector_norm(x, 2, -1);
  const auto zero = norm == 0;
  return norm.masked_fill(zero, 1).reciprocal().masked_fill(zero, 0);
}

Aggregation aggregation_of(const std::string& name) {
  if (name == "softmax") return Aggregation::kSoftmax;
  if (name == "softmax_linear_softmax") return Aggregation::kSoftmaxLinearSoftmax;
  // Note [GLCCL mlp_softmax]: the release multiplies this variant's scores by int(D^-0.5) = 0 and drops the result of
  // its MLP, so that every frame weighs the same.
  if (name == "mlp_softmax") return Aggregation::kUniform;
  throw Error("config.head.aggregation: '", name, "' is none of softmax, softmax_linear_softmax, mlp_softmax");
}

// GLCCL (methods 4): the mean of four scores between a text's sentence and words and what each of them picks of the
// video's frames, and a loss that holds the four together. A texts, B videos, L words, T frames, D width.
// Note [GLCCL mask]: the release masks nothing, so padding words and zero-padded frames take weight like all others.
class GlcclHead final : public RetrievalHead {
 public:
  GlcclHead(const GlcclConfig& config, const FeatureShape& shape)
      : config_(config),
        shape_(shape),
        rules_{config.temperature, config.score_temperature, aggregation_of(config.aggregation)} {
    const auto identity = [this](const char* name, int64_t size) { return register_parameter(name, torch::eye(size)); };
    global_ = identity("global_mat_weight", shape.width);
    local_ = identity("local_mat_weight", shape.width);
    for (const auto* name : {"word_logit_weight", "word_frame_logit_weight", "word_mat_weight", "word_frame_mat_weight",
                             "word_mat_weight2", "word_frame_mat_weight2"}) {
      levels_.push_back(identity(name, shape.max_words));
    }
    if (rules_.aggregation == Aggregation::kSoftmaxLinearSoftmax) {
      visual_ = identity("visual_logit_weight", shape.max_frames);
    }
  }

  TextFeatures prepare_text(TextFeatures text) override {
    if (text.words.size(1) != shape_.max_words) {
      throw Error("config.text.max_words: captions of ", text.words.size(1),
                  " tokens, but the matrices of glccl are for ", shape_.max_words);
    }
    const auto projected = fast_linear(text.sentence, global_.t());  // c W_g
    text.prepared[prepared::kRows] =
        at::cat({text.words, text.sentence.unsqueeze(1), projected.unsqueeze(1)}, 1);  // [A, L+2, D]
    text.prepared[prepared::kScale] =
        inverse_norm(text.prepared.at(prepared::kRows).narrow(1, 0, shape_.max_words + 1));  // [A, L+1]
    text.words.reset();
    text.sentence.reset();
    if (!config_.mask_words) text.mask.reset();
    return text;
  }

  VideoFeatures prepare_video(VideoFeatures video) override {
    const auto& frames = video.frames;
    if (visual_.defined() && frames.size(1) != shape_.max_frames) {
      throw Error("config.video.num_frames: videos of ", frames.size(1), " frames, but visual_logit_weight is for ",
                  shape_.max_frames);
    }
    video.prepared[prepared::kRows] = at::cat({frames, fast_linear(frames, local_)}, 1);  // [B, 2 T, D]
    video.prepared[prepared::kGram] = at::bmm(frames, frames.transpose(1, 2));            // [B, T, T]
    video.frames.reset();
    video.clip_frames.reset();
    if (!config_.mask_frames) video.mask.reset();
    return video;
  }

  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override {
    return glccl_scores(texts(text), videos(video), {at::stack(levels_), visual_}, rules_);  // [A, B]
  }

  ShardOutput score_shard(const TextFeatures& text, const VideoFeatures& video, int64_t begin, int64_t end) override {
    const auto rows = four_scores(slice(text, begin, end), video);  // [4, b, B]
    const bool whole = end - begin == size(text);
    ShardOutput shard = {rows.mean(0), {}, variances(rows, begin)};
    shard.video_scores = whole ? shard.text_scores : score(text, slice(video, begin, end));
    return shard;
  }

  std::vector<AuxLoss> losses(const torch::Tensor& sums, int64_t pairs) const override {
    return {{"csc", config_.csc_weight * consistency_loss(sums, pairs)}};
  }

  std::map<std::string, std::string> reference_names() const override {
    std::map<std::string, std::string> names;  // ours are those of the release
    for (const auto& parameter : named_parameters()) names[parameter.key()] = parameter.key();
    return names;
  }

 protected:
  PairExplanation explain_pair(const TextFeatures& raw_text, const VideoFeatures& raw_video) override {
    const auto text = prepare_text(raw_text);
    const auto video = prepare_video(raw_video);
    const auto four = four_scores(text, video);  // [4, 1, 1]
    const auto attention = glccl_attention(texts(text), videos(video), rules_, visual_);
    return {.parts = four_parts(four[0], four[1], four[2], four[3]),
            .frames = to_numbers(attention.frames),
            .words = to_numbers(attention.words),
            .frame_parts = {}};
  }

 private:
  static GlcclTexts texts(const TextFeatures& text) {
    return {text.prepared.at(prepared::kRows), text.prepared.at(prepared::kScale), text.mask};
  }
  static GlcclVideos videos(const VideoFeatures& video) {
    return {video.prepared.at(prepared::kRows), video.prepared.at(prepared::kGram), video.mask};
  }

  torch::Tensor four_scores(const TextFeatures& text, const VideoFeatures& video) const {
    return glccl_four_scores(texts(text), videos(video), {at::stack(levels_), visual_}, rules_);  // [4, A, B]
  }

  // The variances of the pairs' four scores, added up over matching pairs and over the others. `scores` [4, b, B],
  // whose row i belongs to video begin + i. -> [2]
  static torch::Tensor variances(const torch::Tensor& scores, int64_t begin) {
    const auto variance = scores.var(0, /*unbiased=*/true);                        // [b, B]
    const auto matching = variance.diagonal(begin).slice(0, 0, variance.size(0));  // [b]
    const auto own = torch::zeros_like(variance);
    own.diagonal(begin).fill_(1);
    return at::stack({matching.sum(), (variance * (1 - own)).sum()});
  }

  // The mean variance of matching pairs over that of the others. `sums` [2] -> scalar
  torch::Tensor consistency_loss(const torch::Tensor& sums, int64_t B) const {
    const auto matching = sums[0] / B;
    // Note [GLCCL denominator]: the release's mean over the other pairs counts the B zeros of the diagonal.
    const auto others = sums[1] / (config_.csc_denominator == "b2" ? B * B : std::max<int64_t>(1, B * (B - 1)));
    // Note [GLCCL one pair]: without another pair, or where the others' scores agree to the last bit, the release
    // divides by zero; the loss is 0 here.
    const auto none = others == 0;
    return (matching / others.masked_fill(none, 1)).masked_fill(none, 0);
  }

  GlcclConfig config_;
  FeatureShape shape_;
  GlcclRules rules_;
  torch::Tensor global_, local_;       // W_g, W_l [D, D]
  std::vector<torch::Tensor> levels_;  // A1, A2, B1, B2, B3, B4 [L, L]
  torch::Tensor visual_;               // [T, T] or undefined
};

class GlcclDescriptor final : public HeadDescriptor<GlcclConfig> {
 public:
  std::shared_ptr<RetrievalHead> make(const GlcclConfig& config, const FeatureShape& shape) const override {
    if (config.csc_denominator != "b2" && config.csc_denominator != "offdiag") {
      throw Error("config.head.csc_denominator: '", config.csc_denominator, "' is neither b2 nor offdiag");
    }
    if (shape.max_words < 1)
      throw Error("config.text.max_words: ", shape.max_words, " is not above 0, which glccl needs");
    return std::make_shared<GlcclHead>(config, shape);
  }

  // Of softmax aggregation.
  HeadCost cost(const GlcclConfig&, const HeadSizes& sizes) const override {
    const auto T = sizes.frames, L = sizes.words, D = sizes.width;
    // 4.3: A1, A2, B3, B4 meet one vector of a pair, B1 and B2 L of them.
    const auto levels = 2 * L * L * L + 4 * L * L;
    HeadCost cost;
    // 4.2: logits and sums of v and of f_j for L words. 4.3: c W_g and w W_l; S_vs, m, n and F, products of width D.
    cost.released = {.text = (L + 1) * D * D, .pair = 2 * (L + 1) * T * D + (1 + 2 * L + L * L) * D + levels};
    cost.exact = {.text = D * D, .video = T * D * D + T * T * D};
    return cost;
  }

  std::vector<MatrixProduct> pair_products(const GlcclConfig&, const HeadSizes& sizes, int64_t texts,
                                           int64_t videos) const override {
    const auto T = sizes.frames, L = sizes.words, D = sizes.width, pairs = texts * videos;
    return {{.rows = texts * L, .inner = D, .columns = videos * 2 * T},            // <w, V_t>, <w W_l, V_t>
            {.rows = texts * 2, .inner = D, .columns = videos * T},                // <c, V_t>, <c W_g, V_t>
            {.batch = videos, .rows = texts * (L + 1), .inner = T, .columns = T},  // G w
            {.batch = pairs, .rows = L, .inner = T, .columns = L},                 // F
            {.rows = pairs * L, .inner = L, .columns = L, .times = 2},             // first level, both ways
            {.rows = 4 * pairs, .inner = L, .columns = L}};                        // last level: m, n, wl, fl
  }

  std::shared_ptr<RetrievalHead> literal(const GlcclConfig& config, const FeatureShape& shape,
                                         const RetrievalHead& head) const override {
    return literal::glccl_form(config, shape, head);
  }

  double literal_floats(const HeadSizes& sizes, bool train) const override {
    return (train ? 6.5 : 2.5) * static_cast<double>(sizes.words * sizes.width);
  }

  ReleasedSystem released() const override {
    return {.name = "glccl", .words_weight = "word_logit_weight", .frames_weight = "visual_logit_weight"};
  }

  std::optional<GlcclConfig> of_released(const TensorMap& weights) const override {
    const bool is_xclip = weights.count("frame_logit_weight") > 0;
    return weights.count("word_frame_logit_weight") > 0 && !is_xclip ? std::optional(GlcclConfig{}) : std::nullopt;
  }
};

}  // namespace

const HeadDescriptor<GlcclConfig>& descriptor(const GlcclConfig&) {
  static const GlcclDescriptor descriptor;
  return descriptor;
}

}  // namespace glint
