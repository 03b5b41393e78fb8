#include <torch/torch.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>

#include "glint/core/error.h"
#include "glint/io/state_dict.h"
#include "glint/model/head_descriptor.h"
#include "glint/nn/linear.h"
#include "model/heads/cpu/xpool.h"
#include "model/heads/mean_explanation.h"
#include "model/heads/prepared.h"
#include "model/heads/unit.h"
#include "model/heads/xpool_scores.h"
#include "model/literal/forms.h"

namespace glint {
namespace {

// X-Pool's `avg` (methods 5.2): the cosine with the mean of the unit frames. No parameters.
class XpoolMeanHead final : public RetrievalHead {
 public:
  TextFeatures prepare_text(TextFeatures text) override {
    text.sentence = unit(text.sentence);
    text.words.reset();
    text.mask.reset();
    return text;
  }
  VideoFeatures prepare_video(VideoFeatures video) override {
    video.prepared[prepared::kPooled] = unit(unit(video.frames).mean(1));  // [B, D]
    video.frames.reset();
    video.clip_frames.reset();
    return video;
  }
  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override {
    return fast_linear(text.sentence, video.prepared.at(prepared::kPooled));
  }

 protected:
  PairExplanation explain_pair(const TextFeatures& text, const VideoFeatures& video) override {
    return explain_mean(text.sentence, video.frames, at::ones_like(video.mask));  // Note [X-Pool masks]
  }
};

torch::nn::Linear identity(int64_t width) {
  torch::nn::Linear linear(width, width);
  const torch::NoGradGuard no_grad;
  linear->weight.copy_(torch::eye(width));
  linear->bias.zero_();
  return linear;
}

torch::Tensor projected(const torch::nn::Linear& linear, const torch::Tensor& x) {
  return fast_linear(x, linear->weight, linear->bias);
}

torch::Tensor centred(const torch::Tensor& x) {
  return x - x.mean(-1, /*keepdim=*/true);
}

// The parameters of X-Pool's `Transformer`, under its names.
struct PoolFrames : torch::nn::Module {
  struct CrossAttention : torch::nn::Module {
    explicit CrossAttention(int64_t width)
        : query(register_module("q_proj", identity(width))),
          key(register_module("k_proj", identity(width))),
          value(register_module("v_proj", identity(width))),
          out(register_module("out_proj", identity(width))) {}
    torch::nn::Linear query, key, value, out;
  };

  explicit PoolFrames(int64_t width)
      : attention(register_module("cross_attn", std::make_shared<CrossAttention>(width))),
        linear(register_module("linear_proj", identity(width))) {
    const auto norm = [&](const char* name) {
      return register_module(name, torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(kXpoolEps)));
    };
    norm1 = norm("layer_norm1");
    norm2 = norm("layer_norm2");
    norm3 = norm("layer_norm3");
  }

  std::shared_ptr<CrossAttention> attention;
  torch::nn::Linear linear;
  torch::nn::LayerNorm norm1{nullptr}, norm2{nullptr}, norm3{nullptr};
};

// X-Pool (methods 5.2): a text pools a video's frames by single-head cross-attention, and is compared with the result
// by the cosine. A texts, B videos, T frames, D width.
// Note [X-Pool masks]: as released there is no frame mask; its sampler repeats the last frame of short clips.
class XpoolHead final : public RetrievalHead {
 public:
  XpoolHead(const XpoolConfig& config, const FeatureShape& shape)
      : dropout_(config.dropout), pool_(register_module("pool_frames", std::make_shared<PoolFrames>(shape.width))) {}

  TextFeatures prepare_text(TextFeatures text) override {
    const auto width = static_cast<double>(text.sentence.size(1));
    text.prepared[prepared::kQuery] =
        projected(pool_->attention->query, pool_->norm1(text.sentence)) / std::sqrt(width);  // [A, D]
    text.sentence = unit(text.sentence);                                                     // [A, D]
    text.words.reset();
    text.mask.reset();
    return text;
  }

  VideoFeatures prepare_video(VideoFeatures video) override {
    const auto frames = pool_->norm1(video.frames);  // [B, T, D]
    const auto attended =
        centred(projected(pool_->attention->out, projected(pool_->attention->value, frames)));  // [B, T, D]
    const auto scaled = attended * pool_->norm2->weight, linear = fast_linear(scaled, pool_->linear->weight);
    video.prepared[prepared::kKeys] = projected(pool_->attention->key, frames);  // [B, T, D]
    video.prepared[prepared::kAttended] = attended;
    if (is_training() && dropout_ > 0) {
      video.prepared[prepared::kLinear] = linear;  // [B, T, D]: each pair drops other parts of it
    } else {
      video.prepared[prepared::kMixed] = centred(scaled + linear);  // [B, T, D]
    }
    if (!is_training() && frames.is_cpu()) video.prepared[prepared::kForms] = cpu::xpool_forms(pairs({}, video));
    video.frames.reset();
    video.clip_frames.reset();
    video.mask.reset();
    return video;
  }

  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override {
    return xpool_scores(pairs(text, video));
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
    return {.parts = {{"cosine", score(text, video).item<double>()}},
            .frames = to_numbers(xpool_weights(pairs(text, video))),
            .words = {},
            .frame_parts = {}};
  }

 private:
  XpoolPairs pairs(const TextFeatures& text, const VideoFeatures& video) const {
    const auto of = [](const auto& features, const char* name) {
      const auto found = features.prepared.find(name);
      return found == features.prepared.end() ? torch::Tensor() : found->second;
    };
    const auto &shift = pool_->norm2->bias, start = projected(pool_->linear, shift);  // [D]
    const bool drops = video.prepared.count(prepared::kLinear) != 0;
    return {.query = of(text, prepared::kQuery),
            .sentence = text.sentence,
            .keys = of(video, prepared::kKeys),
            .attended = of(video, prepared::kAttended),
            .mixed = of(video, drops ? "linear" : "mixed"),
            .forms = of(video, prepared::kForms),
            .start = drops ? start : centred(shift + start),
            .scale2 = pool_->norm2->weight,
            .shift2 = shift,
            .scale3 = pool_->norm3->weight,
            .shift3 = pool_->norm3->bias,
            .dropout = drops ? dropout_ : 0};
  }

  double dropout_;
  std::shared_ptr<PoolFrames> pool_;
};

class XpoolDescriptor final : public HeadDescriptor<XpoolConfig> {
 public:
  std::shared_ptr<RetrievalHead> make(const XpoolConfig& config, const FeatureShape& shape) const override {
    if (config.pooling == "avg") return std::make_shared<XpoolMeanHead>();
    if (config.pooling == "transformer") return std::make_shared<XpoolHead>(config, shape);
    throw Error("config.head.pooling: '", config.pooling, "' is neither transformer nor avg");
  }

  // Of its transformer.
  HeadCost cost(const XpoolConfig&, const HeadSizes& sizes) const override {
    const auto T = sizes.frames, D = sizes.width;
    HeadCost cost;
    // 5.2: q; k and v; logits and sum, W_o, W_p, <x, z>.
    cost.released = {.text = D * D, .video = 2 * T * D * D, .pair = 2 * T * D + 2 * D * D + D};
    // All four projections act on frames; three quadratic forms in them with b2 and b3 beside.
    const auto forms = T * T * D + 2 * (T + 1) * (T + 1) * D + (T + 1) * D;
    cost.exact = {.text = D * D, .video = 4 * T * D * D + forms};
    cost.published = 2 * T * D + D * D + D + T;  // 3.7: one of the two D x D layers
    return cost;
  }

  std::vector<MatrixProduct> pair_products(const XpoolConfig&, const HeadSizes& sizes, int64_t texts,
                                           int64_t videos) const override {
    const auto T = sizes.frames, D = sizes.width;
    return {{.rows = texts, .inner = D, .columns = videos * T, .times = 2},           // <q, k_t>, <g3 x, h_t>
            {.batch = videos, .rows = texts, .inner = T, .columns = T, .times = 3}};  // three Gram matrices
  }

  std::shared_ptr<RetrievalHead> literal(const XpoolConfig&, const FeatureShape&,
                                         const RetrievalHead& head) const override {
    return literal::xpool_form(head);
  }

  double literal_floats(const HeadSizes& sizes, bool train) const override {
    return (train ? 14 : 10) * static_cast<double>(sizes.width);
  }

  ReleasedSystem released() const override {
    return {.name = "xpool", .sampling = "xpool", .has_hugging_face_names = true};
  }

  std::optional<XpoolConfig> of_released(const TensorMap& weights) const override {
    return has_prefix(weights, "pool_frames.") ? std::optional(XpoolConfig{}) : std::nullopt;
  }
};

}  // namespace

const HeadDescriptor<XpoolConfig>& descriptor(const XpoolConfig&) {
  static const XpoolDescriptor descriptor;
  return descriptor;
}

}  // namespace glint
