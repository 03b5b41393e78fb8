#include <torch/nn/init.h>

#include <memory>
#include <string>

#include "glint/core/error.h"
#include "glint/io/state_dict.h"
#include "glint/model/head_descriptor.h"
#include "glint/nn/linear.h"
#include "model/heads/prepared.h"
#include "model/heads/query_decoder.h"
#include "model/heads/text_guided_pooling.h"
#include "model/heads/unit.h"
#include "model/literal/forms.h"

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
    text.prepared[prepared::kConcepts] = concepts(queries, text.words, text.mask);  // [A, Q, D]
    text.prepared[prepared::kNorm] = at::linalg_vector_norm(text.sentence, 2, -1);  // [A]
    text.words.reset();
    text.mask.reset();
    return text;
  }

  VideoFeatures prepare_video(VideoFeatures video) override {
    video.prepared[prepared::kConcepts] = concepts(spatial_queries_, video.frames, video.mask);  // [B, Q, D]
    video.prepared[prepared::kGram] = at::bmm(video.frames, video.frames.transpose(1, 2));       // [B, T, T]
    video.clip_frames.reset();
    return video;
  }

  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override {
    return at::add(global_scores(text, video), concept_dots(text, video), concept_weight());  // [A, B]
  }

  ShardOutput score_shard(const TextFeatures& text, const VideoFeatures& video, int64_t begin, int64_t end) override {
    auto shard = RetrievalHead::score_shard(text, video, begin, end);
    const auto nouns = text.prepared.at(prepared::kConcepts).slice(0, begin, end);     // [b, Q, D]
    const auto visuals = video.prepared.at(prepared::kConcepts).slice(0, begin, end);  // [b, Q, D]
    std::vector<torch::Tensor> sums = {(visuals * nouns).sum(at::IntArrayRef({0, 2})), visuals.sum(0).flatten(),
                                       nouns.sum(0).flatten(), gram(visuals).flatten()};
    if (both_diverse()) sums.push_back(gram(nouns).flatten());
    shard.sums = torch::cat(sums);  // [Q + 2 Q D + Q Q (+ Q Q)]
    return shard;
  }

  std::vector<AuxLoss> losses(const torch::Tensor& sums, int64_t pairs) const override {
    const auto Q = spatial_queries_.size(0), D = spatial_queries_.size(1);
    std::vector<int64_t> sizes = {Q, Q * D, Q * D, Q * Q};
    if (both_diverse()) sizes.push_back(Q * Q);
    const auto parts = sums.split_with_sizes(sizes);
    // Note [GLSCL diversity]: the release keeps the videos' concepts apart alone; the paper means both, added.
    auto diverse = diversity(parts[3].view({Q, Q}) / pairs);
    if (both_diverse()) diverse = diverse + diversity(parts[4].view({Q, Q}) / pairs);
    std::vector<AuxLoss> losses;
    if (config_.icl_weight > 0) {
      const auto consistency = consistency_loss(parts[0], (parts[1] - parts[2]) / pairs, pairs);
      losses.push_back({"icl", config_.icl_weight * consistency});
    }
    losses.push_back({"idl", config_.alpha * diverse});
    return losses;
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
    const auto dots = fast_linear(video.frames, text.sentence);  // [1, T, 1]
    return {.parts = {{"global", global_scores(text, video).item<double>()},
                      {"local", concept_weight() * concept_dots(text, video).item<double>()}},
            .frames = to_numbers(frame_softmax(dots, video.mask, config_.temperature)),
            .words = {},
            .frame_parts = {}};
  }

 private:
  // S_g [A, B]
  torch::Tensor global_scores(const TextFeatures& text, const VideoFeatures& video) const {
    return text_guided_cosine({text.sentence, text.prepared.at(prepared::kNorm)},
                              {video.frames, video.mask, video.prepared.at(prepared::kGram)}, config_.temperature);
  }

  // Q s [A, B]
  static torch::Tensor concept_dots(const TextFeatures& text, const VideoFeatures& video) {
    const auto nouns = text.prepared.at(prepared::kConcepts).flatten(1);     // [A, Q*D]
    const auto visuals = video.prepared.at(prepared::kConcepts).flatten(1);  // [B, Q*D]
    return fast_linear(nouns, visuals);
  }
  double concept_weight() const { return config_.query_weight / static_cast<double>(config_.queries); }

  torch::Tensor concepts(const torch::Tensor& queries, const torch::Tensor& tokens, const torch::Tensor& mask) {
    return unit(decoder_->forward(queries, tokens, config_.mask_local ? mask : torch::Tensor()));
  }

  bool both_diverse() const { return config_.idl_modalities == "both"; }

  // How alike the concepts of an item are, over all items: [b, Q, D] -> [Q, Q]
  static torch::Tensor gram(const torch::Tensor& concepts) {
    return at::bmm(concepts, concepts.transpose(1, 2)).sum(0);
  }

  // Pulls each pair's q-th concepts together, in the mean over the batch and one by one: `cosines` [Q] summed over the
  // pairs, `apart` [Q*D] between the means. -> scalar
  torch::Tensor consistency_loss(const torch::Tensor& cosines, const torch::Tensor& apart, int64_t pairs) const {
    // Note [GLSCL consistency]: the release divides the batch's sum by the number of queries, so that its target grows
    // out of reach with the batch (methods 3.4).
    const auto divisor = config_.icl_normaliser == "queries" ? cosines.size(0) : pairs;
    return apart.square().mean() + config_.beta * (cosines / divisor - config_.icl_target).square().sum();
  }

  // Pushes different concepts of one item apart where their mean cosine is within the margin of 1. `gram` [Q, Q], in
  // the mean over the items -> scalar
  torch::Tensor diversity(const torch::Tensor& gram) const {
    const auto Q = gram.size(0);
    const auto own = gram.diagonal();  // [Q]
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

// A decoder layer over `memory` words or frames (methods 3.3): self-attention over the queries (4 projections),
// attention to the memory (query and output; keys and values), both with Q or `memory` logits and values, and two
// linear layers.
int64_t decoder_layer_macs(const GlsclConfig& config, int64_t D, int64_t memory) {
  const auto Q = config.queries;
  return 6 * Q * D * D + 2 * memory * D * D + 2 * Q * (Q + memory) * D + 2 * Q * D * config.decoder_ffn;
}

class GlsclDescriptor final : public HeadDescriptor<GlsclConfig> {
 public:
  std::shared_ptr<RetrievalHead> make(const GlsclConfig& config, const FeatureShape& shape) const override {
    if (config.decoder_heads <= 0 || shape.width % config.decoder_heads != 0) {
      throw Error("config.head.decoder_heads: ", config.decoder_heads, " does not divide the width ", shape.width,
                  " of the features; choose a divisor of it");
    }
    require_choice("icl_normaliser", config.icl_normaliser, "queries", "batch");
    require_choice("idl_modalities", config.idl_modalities, "video", "both");
    require_choice("block", config.block, "full_decoder", "cross_only");
    return std::make_shared<GlsclHead>(config, shape);
  }

  // Of the full decoder.
  HeadCost cost(const GlsclConfig& config, const HeadSizes& sizes) const override {
    const auto T = sizes.frames, D = sizes.width, Q = config.queries, layers = config.decoder_layers;
    const auto text = layers * decoder_layer_macs(config, D, sizes.words);
    const auto video = layers * decoder_layer_macs(config, D, T);
    // Before the first layer all items are alike: its self-attention and its queries are computed once for all.
    const auto alike = 5 * Q * D * D + 2 * Q * Q * D;
    HeadCost cost;
    // 3.2: <c, V_t>; v = sum of weights times V_t; <c, v>; 3.3: <N_q, P_q>.
    cost.released = {.text = text, .video = video, .pair = 2 * T * D + D + Q * D};
    cost.exact = {.text = text - alike, .video = video - alike + T * T * D};  // G = V V' of the video
    cost.published = 2 * D;  // without the attention over frames, and one query for all Q (3.7)
    return cost;
  }

  std::vector<MatrixProduct> pair_products(const GlsclConfig& config, const HeadSizes& sizes, int64_t texts,
                                           int64_t videos) const override {
    const auto T = sizes.frames, D = sizes.width;
    return {{.rows = texts, .inner = D, .columns = videos * T},                // <c, V_t>
            {.batch = videos, .rows = texts, .inner = T, .columns = T},        // G w
            {.rows = texts, .inner = config.queries * D, .columns = videos}};  // s
  }

  std::shared_ptr<RetrievalHead> literal(const GlsclConfig& config, const FeatureShape& shape,
                                         const RetrievalHead& head) const override {
    return literal::glscl_form(config, shape, head);
  }

  double literal_floats(const HeadSizes& sizes, bool train) const override {
    return (train ? 16 : 2.5) * static_cast<double>(sizes.width);
  }

  ReleasedSystem released() const override {
    return {.name = "glscl", .text_mask = "causal_padding", .sampling = "glscl"};
  }

  std::optional<GlsclConfig> of_released(const TensorMap& weights) const override {
    if (weights.count("spatial_queries") == 0) return std::nullopt;
    GlsclConfig config;
    config.queries = rows_of(weights, "spatial_queries", config.queries);
    config.decoder_layers = count_numbered(weights, "transformer_decoder_noun.layers.");
    config.decoder_ffn = rows_of(weights, "transformer_decoder_noun.layers.0.linear1.weight", config.decoder_ffn);
    return config;
  }
};

}  // namespace

const HeadDescriptor<GlsclConfig>& descriptor(const GlsclConfig&) {
  static const GlsclDescriptor descriptor;
  return descriptor;
}

}  // namespace glint
