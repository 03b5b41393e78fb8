#include "glint/model/retrieval_model.h"

#include <torch/torch.h>

#include <cmath>

#include "glint/core/error.h"
#include "glint/nn/token_clustering.h"
#include "model/token_stages.h"

namespace glint {

namespace {

TextMask text_mask(const std::string& name) {
  if (name == "causal") return TextMask::kCausal;
  if (name == "causal_padding") return TextMask::kCausalPadding;
  throw Error("config.model.text_mask: no mask '", name, "'; there are causal, causal_padding");
}

void check(const ModelConfig& model, const TowerSizes& clip, const FeatureShape& shape) {
  GLINT_CHECK(shape.width == clip.embed_dim, "features of width ", shape.width, ", towers of ", clip.embed_dim);
  if (shape.max_words > clip.context_length) {
    throw Error("config.text.max_words: ", shape.max_words, " is more than the text tower's ", clip.context_length,
                " positions");
  }
  if (model.temporal != "seq_transf") return;
  if (shape.max_frames > clip.context_length) {
    throw Error("config.video.num_frames: ", shape.max_frames, " is more than the ", clip.context_length,
                " positions of seq_transf");
  }
  if (clip.embed_dim % 64 != 0) {
    throw Error("config.model.towers.embed_dim: ", clip.embed_dim, " is not a multiple of 64, which seq_transf needs");
  }
  if (model.temporal_layers < 1)
    throw Error("config.model.temporal_layers: ", model.temporal_layers, " is not above 0");
}

// A batch of clips as the image tower sees it. Padding is zero after the normalisation, as released, and has a feature
// like any other frame; being the same picture everywhere, it is encoded once.
struct FrameBatch {
  torch::Tensor pixels;  // [M, 3, R, R], each picture once
  torch::Tensor source;  // int64 [B*T], the picture of each frame; undefined where each is its own
};

// frames [B, T, 3, R, R], mask [B, T]
FrameBatch frame_batch(const Towers& towers, const torch::Tensor& frames, const torch::Tensor& mask) {
  const auto real = mask.flatten().nonzero().squeeze(1);  // [M]
  const auto all = frames.flatten(0, 1);                  // [B*T, 3, R, R]
  const bool padded = real.size(0) < all.size(0);
  auto pixels = padded ? all.index_select(0, real) : all;
  if (pixels.scalar_type() == torch::kUInt8) pixels = towers.normalise(pixels);
  if (!padded) return {pixels, {}};
  const auto blank = torch::zeros({1, pixels.size(1), pixels.size(2), pixels.size(3)}, pixels.options());
  auto source = torch::full({all.size(0)}, real.size(0), real.options());  // M is the blank
  source.index_copy_(0, real, torch::arange(real.size(0), real.options()));
  return {torch::cat({pixels, blank}), source};
}

// From pictures to frames.
torch::Tensor spread(const torch::Tensor& pictures, const torch::Tensor& source) {
  return source.defined() ? pictures.index_select(0, source) : pictures;
}

// Features of every frame, or of every segment where there are stages. -> [B*T', D]
torch::Tensor encode_frames(Towers& clip, const TokenStages& stages, const FrameBatch& batch) {
  if (stages.empty()) return spread(clip.encode_image(batch.pixels), batch.source);
  return clip.encode_image(batch.pixels, [&](int64_t done, const torch::Tensor& tokens) {
    return stages.apply(done, done == stages.first_block() ? spread(tokens, batch.source) : tokens);
  });
}

}  // namespace

RetrievalModel::RetrievalModel(const ModelConfig& model, const HeadConfig& head, const TowerSizes& clip,
                               const FeatureShape& shape)
    : text_mask_(text_mask(model.text_mask)) {
  stages_ = std::make_shared<const TokenStages>(model.clustering, clip, shape.max_frames);
  if (!stages_->empty() && clip.kind != TowerKind::kClip) {
    throw Error("config.model.clustering.stages: tokens are merged in CLIP's image tower alone");
  }
  auto head_shape = shape;  // of the features that head and temporal encoder see
  head_shape.max_frames /= stages_->duration();
  head_shape.positions = clip.context_length;
  check(model, clip, head_shape);
  clip_ = register_module("clip", make_towers(clip));
  temporal_ =
      register_module("temporal", make_temporal_encoder(model.temporal, {.width = clip.embed_dim,
                                                                         .layers = model.temporal_layers,
                                                                         .position_rows = clip.context_length}));
  head_ = register_module("head", make_head(head, head_shape, model.dropout));
}

torch::Device RetrievalModel::device() const {
  return clip_->logit_scale.device();
}

TextFeatures RetrievalModel::text_features(const torch::Tensor& ids, const torch::Tensor& mask) {
  if (torch::GradMode::is_enabled()) {
    encoded_.texts += ids.size(0);
    encoded_.text_length = ids.size(1);
  }
  const auto here = mask.to(device(), /*non_blocking=*/true);
  const auto [words, sentence] = clip_->encode_text(ids.to(device(), /*non_blocking=*/true), here, text_mask_);
  return {sentence, words, here, {}};
}

TextFeatures RetrievalModel::encode_text(const torch::Tensor& ids, const torch::Tensor& mask) {
  return head_->prepare_text(text_features(ids, mask));
}

VideoFeatures RetrievalModel::encode_video(const torch::Tensor& frames, const torch::Tensor& mask) {
  return head_->prepare_video(video_features(frames, mask));
}

VideoFeatures RetrievalModel::video_features(const torch::Tensor& given_frames, const torch::Tensor& given_mask) {
  const auto frames = given_frames.to(device(), /*non_blocking=*/true);
  const auto mask = given_mask.to(device(), /*non_blocking=*/true);
  const auto side = clip_->sizes().image_size;
  if (frames.size(-1) != side || frames.size(-2) != side) {
    throw Error("config.video.image_size: frames of ", frames.size(-1), " pixels, but the image tower takes ", side);
  }
  GLINT_CHECK(frames.size(1) % stages_->duration() == 0, frames.size(1), " frames, ", stages_->duration(),
              " a segment");
  const auto seen = segment_mask(mask, stages_->duration());  // [B, T']
  const auto batch = frame_batch(*clip_, frames, mask);
  if (torch::GradMode::is_enabled()) {
    encoded_.pictures += batch.pixels.size(0);
    encoded_.frames += frames.size(0) * frames.size(1);
  }
  const auto clip_frames = encode_frames(*clip_, *stages_, batch).view({seen.size(0), seen.size(1), -1});
  return video_features_of(clip_frames, seen);
}

VideoFeatures RetrievalModel::video_features_of(const torch::Tensor& clip_frames, const torch::Tensor& mask) {
  return {temporal_->forward(clip_frames, mask), clip_frames, mask, {}};
}

torch::Tensor RetrievalModel::logit_scale() const {
  return head_->uses_logit_scale() ? clip_->logit_scale.exp() : torch::ones_like(clip_->logit_scale);
}

torch::Tensor RetrievalModel::logits(const torch::Tensor& scores) const {
  const auto scaled = scores * logit_scale();
  return clip_->logit_bias.defined() ? scaled + clip_->logit_bias : scaled;
}

void RetrievalModel::clamp_logit_scale(double max_scale) {
  torch::NoGradGuard no_grad;
  clip_->logit_scale.clamp_max_(std::log(max_scale));
}

}  // namespace glint
