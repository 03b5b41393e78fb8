#include <torch/nn/init.h>

#include <memory>
#include <string>

#include "glint/core/error.h"
#include "glint/model/head.h"
#include "glint/nn/affine.h"
#include "model/heads/query_decoder.h"
#include "model/heads/text_guided_pooling.h"
#include "model/heads/unit.h"

namespace glint {
namespace {

// GLSCL (methods 3): S = S_g + query_weight * s. S_g compares the sentence with the frames that it picks; s compares
// learned concepts, which one decoder reads from the words and from the frames. Nothing but dot products is left for a
// pair. A texts, B videos, L tokens, T frames, D width, Q queries.
class GlsclHead final : public RetrievalHead {
 public:
  GlsclHead(const GlsclConfig& config, const FeatureShape& shape) : config_(config) {
    spatial_queries_ = register_parameter("spatial_queries", torch::rand({config.queries, shape.width}));
    if (!config.share_queries) {
      noun_queries_ = register_parameter("noun_queries", torch::rand({config.queries, shape.width}));
    }
    decoder_ =
        register_module("transformer_decoder_noun",
                        std::make_shared<QueryDecoder>(QueryDecoderSizes{.width = shape.width,
                                                                         .layers = config.decoder_layers,
                                                                         .heads = config.decoder_heads,
                                                                         .ffn = config.decoder_ffn,
                                                                         .dropout = config.dropout,
                                                                         .cross_only = config.block == "cross_only"}));
  }

  TextFeatures prepare_text(TextFeatures text) override {
    const auto& queries = config_.share_queries ? spatial_queries_ : noun_queries_;
    text.prepared["concepts"] = concepts(queries, text.words, text.mask);  // [A, Q, D]
    text.prepared["norm"] = at::linalg_vector_norm(text.sentence, 2, -1);  // [A]
    text.words.reset();
    text.mask.reset();
    return text;
  }

  VideoFeatures prepare_video(VideoFeatures video) override {
    video.prepared["concepts"] = concepts(spatial_queries_, video.frames, video.mask);  // [B, Q, D]
    video.prepared["gram"] = at::bmm(video.frames, video.frames.transpose(1, 2));       // [B, T, T]
    video.clip_frames.reset();
    return video;
  }

  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override {
    const auto global = text_guided_cosine({text.sentence, text.prepared.at("norm")},
                                           {video.frames, video.mask, video.prepared.at("gram")}, config_.temperature);
    const auto nouns = text.prepared.at("concepts").flatten(1);     // [A, Q*D]
    const auto visuals = video.prepared.at("concepts").flatten(1);  // [B, Q*D]
    const double weight = config_.query_weight / static_cast<double>(config_.queries);
    return at::add(global, affine(nouns, visuals), weight);  // [A, B]
  }

  HeadOutput score_pairs(const TextFeatures& text, const VideoFeatures& video) override {
    const auto &nouns = text.prepared.at("concepts"), &visuals = video.prepared.at("concepts");
    return {score(text, video), {{"icl", consistency_loss(nouns, visuals)}, {"idl", diversity_loss(nouns, visuals)}}};
  }

  std::map<std::string, std::string> reference_names() const override {
    std::map<std::string, std::string> names;  // ours are those of the release
    for (const auto& parameter : named_parameters()) names[parameter.key()] = parameter.key();
    return names;
  }

 private:
  torch::Tensor concepts(const torch::Tensor& queries, const torch::Tensor& tokens, const torch::Tensor& mask) {
    return unit(decoder_->forward(queries, tokens, config_.mask_local ? mask : torch::Tensor()));
  }

  // Pulls each pair's q-th concepts together, in the mean over the batch and one by one; both [B, Q, D]. -> scalar
  torch::Tensor consistency_loss(const torch::Tensor& nouns, const torch::Tensor& visuals) const {
    // Note [GLSCL consistency]: the release divides the batch's sum by the number of queries, so that its target grows
    // out of reach with the batch (methods 3.4).
    const auto divisor = config_.icl_normaliser == "queries" ? visuals.size(1) : visuals.size(0);
    const auto cosine = (visuals * nouns).sum(at::IntArrayRef({0, 2})) / divisor;  // [Q]
    const auto means = (visuals.mean(0) - nouns.mean(0)).square().mean();
    return means + config_.beta * (cosine - config_.icl_target).square().sum();
  }

  // Note [GLSCL diversity]: the release keeps the videos' concepts apart alone; the paper means both, added.
  torch::Tensor diversity_loss(const torch::Tensor& nouns, const torch::Tensor& visuals) const {
    auto loss = diversity(visuals);
    if (config_.idl_modalities == "both") loss = loss + diversity(nouns);
    return config_.alpha * loss;
  }

  // Pushes different concepts of one item apart where their mean cosine is within the margin of 1. [B, Q, D] -> scalar
  torch::Tensor diversity(const torch::Tensor& concepts) const {
    const auto Q = concepts.size(1);
    const auto gram = at::bmm(concepts, concepts.transpose(1, 2)).mean(0);  // [Q, Q]
    const auto own = gram.diagonal();                                       // [Q]
    const auto excess = (gram - own.unsqueeze(1) + config_.idl_margin).relu() +
                        (gram - own.unsqueeze(0) + config_.idl_margin).relu();  // [Q, Q]
    const auto others = 1 - torch::eye(Q, gram.options());
    return (excess * others).sum() / std::max<int64_t>(1, Q * (Q - 1));
  }

  GlsclConfig config_;
  torch::Tensor spatial_queries_, noun_queries_;  // [Q, D]
  std::shared_ptr<QueryDecoder> decoder_;
};

void require_choice(const char* key, const std::string& value, const std::string& first, const std::string& second) {
  if (value != first && value != second)
    throw Error("config.head.", key, ": '", value, "' is neither ", first, " nor ", second);
}

}  // namespace

std::shared_ptr<RetrievalHead> make(const GlsclConfig& config, const FeatureShape& shape) {
  if (config.decoder_heads <= 0 || shape.width % config.decoder_heads != 0) {
    throw Error("config.head.decoder_heads: ", config.decoder_heads, " does not divide the width ", shape.width,
                " of the features; choose a divisor of it");
  }
  require_choice("icl_normaliser", config.icl_normaliser, "queries", "batch");
  require_choice("idl_modalities", config.idl_modalities, "video", "both");
  require_choice("block", config.block, "full_decoder", "cross_only");
  return std::make_shared<GlsclHead>(config, shape);
}

}  // namespace glint
