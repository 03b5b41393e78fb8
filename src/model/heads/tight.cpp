#include <torch/torch.h>

#include <string>
#include <utility>

#include "glint/core/error.h"
#include "glint/core/random.h"
#include "glint/io/state_dict.h"
#include "glint/model/head_descriptor.h"
#include "glint/nn/linear.h"
#include "glint/nn/seeded_generator.h"
#include "glint/nn/transformer.h"
#include "model/heads/pair_blocks.h"
#include "model/heads/prepared.h"
#include "model/literal/forms.h"

// A texts, B videos, T frames, D width, S = T + 1 positions of a pair; a, b: those of a block, N = a * b pairs.
namespace glint {
namespace {

constexpr int64_t kTightHeadWidth = 64;
constexpr std::size_t kBlockWeights = 12;      // tensors of a BlockFunction
constexpr int64_t kLargerWithoutGradient = 4;  // blocks of pairs, where autograd keeps nothing

// Of every pair a sequence: the text's rows [a, W] before the video's [b, T, W]. -> [N, S, W]
torch::Tensor side_by_side(const torch::Tensor& text, const torch::Tensor& video) {
  const auto a = text.size(0), b = video.size(0), T = video.size(1), W = text.size(1);
  return torch::cat({text.view({a, 1, 1, W}).expand({a, b, 1, W}), video.unsqueeze(0).expand({a, b, T, W})}, 2)
      .flatten(0, 1);
}

// What a pair's logit is computed by, of tensors alone (BlockScore). Weights in the order of TightHead::pair_weights().
struct PairTransformer {
  std::size_t layers;
  int64_t heads;
  double dropout;      // 0: none
  std::uint64_t seed;  // of the dropout

  BlockFunction block(const Tensors& weights, std::size_t layer) const {
    BlockFunction like{};
    like.heads = heads;
    like.layer_norm_eps = kTemporalLayerNormEps;
    like.activation = Activation::kQuickGelu;
    return like.of_weights(weights.data() + layer * kBlockWeights);
  }

  // The same mask each time the block of this index is scored.
  torch::Tensor dropped(const torch::Tensor& x, int64_t index) const {
    auto generator = seeded_generator(x.device(), mix({seed, static_cast<std::uint64_t>(index)}));
    return x * (torch::empty(x.sizes(), x.options()).bernoulli_(1 - dropout, generator) / (1 - dropout));
  }

  // Texts {sentence [a, D]}, videos {frames [b, T, D], bias [b, S]}, positions added. -> [a, b]
  torch::Tensor logits(const PairTensors& pairs, int64_t index) const {
    const auto &sentence = pairs.texts[0], &frames = pairs.videos[0];
    const auto& weights = pairs.shared;
    const auto a = sentence.size(0), b = frames.size(0), S = frames.size(1) + 1;
    const auto bias = pairs.videos[1].unsqueeze(0).expand({a, b, S}).reshape({a * b, 1, 1, S});
    const auto first = block(weights, 0);
    auto x = side_by_side(sentence, frames);  // [N, S, D]
    if (dropout > 0) x = dropped(x, index);
    if (layers > 1) {  // without dropout a text and a frame come into every pair as they are: project them once
      const auto packed = dropout > 0 ? first.project(x) : side_by_side(first.project(sentence), first.project(frames));
      x = first.forward_projected(x, packed, {/*causal=*/false, bias});
    }
    for (std::size_t i = 1; i + 1 < layers; ++i) x = block(weights, i).forward(x, {/*causal=*/false, bias});
    const auto row = block(weights, layers - 1).forward_row(x.select(1, 0).contiguous(), x, bias);  // [N, D]
    return similarity(row, weights.data() + layers * kBlockWeights).view({a, b});
  }

  // The pooler and the last layer: `w` from ln_pool on. [N, D] -> [N, 1]
  static torch::Tensor similarity(const torch::Tensor& row, const torch::Tensor* w) {
    const auto normed = torch::layer_norm(row, w[0].sizes(), w[0], w[1], kTemporalLayerNormEps);
    const auto dense = fast_linear(normed, w[2], w[3]);
    return torch::linear(dense * torch::sigmoid(kQuickGeluSlope * dense), w[4], w[5]);
  }
};

// CLIP4Clip's tightTransf (methods 2): the sentence and the frames of every pair run through one transformer, whose
// first position becomes a logit. Pairs go through it in blocks, also in the backward pass, which computes a block
// again instead of keeping it.
class TightHead final : public RetrievalHead {
 public:
  TightHead(const TightConfig& config, const FeatureShape& shape)
      : config_(config), heads_(shape.width / kTightHeadWidth) {
    const auto D = shape.width;
    positions_ = register_parameter("position_embeddings", torch::empty({shape.positions, D}));
    blocks_ = register_module(
        "resblocks", std::make_shared<BlockStack>(config.layers, BlockSizes{D, heads_, kTemporalLayerNormEps}));
    ln_pool_ = register_module("ln_pool", std::make_shared<LayerNorm>(D, kTemporalLayerNormEps));
    dense_ = register_module("dense", std::make_shared<Linear>(D, D));
    similarity_ = register_module("similarity_dense", std::make_shared<Linear>(D, 1));
    torch::NoGradGuard no_grad;  // the released init_weights
    blocks_->initialise_as_clip4clip();
    for (const auto& weight : {positions_, dense_->weight, similarity_->weight}) weight.normal_(0, kClip4ClipStddev);
    for (const auto& bias : {dense_->bias, similarity_->bias}) bias.zero_();
  }

  TextFeatures prepare_text(TextFeatures text) override {
    text.sentence = text.sentence + positions_[0];  // [A, D]
    text.words.reset();
    text.mask.reset();
    return text;
  }

  VideoFeatures prepare_video(VideoFeatures video) override {
    const auto B = video.frames.size(0), T = video.frames.size(1);
    GLINT_CHECK(T < positions_.size(0), T, " frames and a sentence, ", positions_.size(0), " positions");
    const auto hidden = 1 - video.mask.to(video.frames.scalar_type());                                       // [B, T]
    video.prepared[prepared::kBias] = torch::cat({hidden.new_zeros({B, 1}), hidden * kMaskedFrameBias}, 1);  // [B, S]
    video.frames = video.frames + positions_.slice(0, 1, T + 1);  // [B, T, D]
    video.clip_frames.reset();
    video.mask.reset();
    return video;
  }

  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override {
    const PairTensors pairs = {{text.sentence}, {video.frames, video.prepared.at(prepared::kBias)}, pair_weights()};
    const double dropout = is_training() ? config_.dropout : 0;
    const auto seed = dropout > 0 ? torch::randint(INT64_MAX, {1}, torch::kInt64).item<int64_t>() : 0;
    const PairTransformer transformer = {static_cast<std::size_t>(config_.layers), heads_, dropout,
                                         static_cast<std::uint64_t>(seed)};
    const bool keeps = wants_gradient(pairs);
    const auto hidden_floats = 4 * text.sentence.size(1) * (video.frames.size(1) + 1);  // of a pair's MLP
    const BlockedScore blocked = {
        [transformer](const PairTensors& block, int64_t index) { return transformer.logits(block, index); },
        keeps ? hidden_floats : std::max<int64_t>(1, hidden_floats / kLargerWithoutGradient)};
    const auto scores = blocked.all(pairs);
    return keeps ? blocked.with_gradients(scores, pairs) : scores;
  }

  // Note [tight logits]: as released, neither normalised nor scaled: trained as they come out of the last layer.
  bool uses_logit_scale() const override { return false; }

  std::map<std::string, std::string> reference_names() const override {
    std::map<std::string, std::string> names;
    for (const auto& parameter : named_parameters()) names[parameter.key()] = reference_name(parameter.key());
    return names;
  }

 protected:
  // Nothing of a pair is a weight of its frames: every layer mixes all positions.
  PairExplanation explain_pair(const TextFeatures& text, const VideoFeatures& video) override {
    const auto logit = score(prepare_text(text), prepare_video(video)).item<double>();
    return {.parts = {{"logit", logit}}, .frames = {}, .words = {}, .frame_parts = {}};
  }

 private:
  static std::string reference_name(const std::string& name) {
    if (name == "position_embeddings") return "cross.embeddings.position_embeddings.weight";
    if (name.starts_with("resblocks.")) return "cross.transformer." + name;
    return name.starts_with("similarity_dense.") ? name : "cross.pooler." + name;
  }

  Tensors pair_weights() const {
    auto weights = blocks_->parameters();
    for (const torch::nn::Module* module :
         {static_cast<torch::nn::Module*>(ln_pool_.get()), static_cast<torch::nn::Module*>(dense_.get()),
          static_cast<torch::nn::Module*>(similarity_.get())}) {
      for (const auto& parameter : module->parameters()) weights.push_back(parameter);
    }
    return weights;
  }

  TightConfig config_;
  int64_t heads_;
  torch::Tensor positions_;  // [77, D]
  std::shared_ptr<BlockStack> blocks_;
  std::shared_ptr<LayerNorm> ln_pool_;
  std::shared_ptr<Linear> dense_, similarity_;
};

class TightDescriptor final : public HeadDescriptor<TightConfig> {
 public:
  std::shared_ptr<RetrievalHead> make(const TightConfig& config, const FeatureShape& shape) const override {
    if (config.layers < 1) throw Error("config.head.layers: ", config.layers, " is not above 0");
    if (!(config.dropout >= 0 && config.dropout < 1))
      throw Error("config.head.dropout: ", config.dropout, " is not in [0, 1)");
    if (shape.width % kTightHeadWidth != 0) {
      throw Error("config.model.towers.embed_dim: ", shape.width, " is not a multiple of ", kTightHeadWidth,
                  ", which the tight head needs");
    }
    if (shape.max_frames >= shape.positions) {
      throw Error("config.video.num_frames: ", shape.max_frames, " and the sentence exceed the position table's ",
                  shape.positions, " rows");
    }
    return std::make_shared<TightHead>(config, shape);
  }

  HeadCost cost(const TightConfig& config, const HeadSizes& sizes) const override {
    const auto S = sizes.frames + 1, D = sizes.width;
    HeadCost cost;
    // 2: queries, keys, values, output: 4 D x D of every position; a hidden width of 4 D: 8; logits and values of all
    // positions; the pooler.
    cost.released.pair = config.layers * (12 * S * D * D + 2 * S * S * D) + D * D + D;
    // The first layer's queries, keys and values come from an item alone.
    cost.exact.text = 3 * D * D;
    cost.exact.video = sizes.frames * 3 * D * D;
    return cost;
  }

  // Of the last layer one position is wanted.
  std::vector<MatrixProduct> pair_products(const TightConfig& config, const HeadSizes& sizes, int64_t texts,
                                           int64_t videos) const override {
    const auto S = sizes.frames + 1, D = sizes.width, pairs = texts * videos, layers = config.layers;
    std::vector<MatrixProduct> products;
    const auto add_linear = [&](int64_t rows, int64_t in, int64_t out, int64_t times) {
      if (times > 0) products.push_back({.rows = rows, .inner = in, .columns = out, .times = times});
    };
    const auto add_attention = [&](int64_t queries, int64_t times) {
      const auto heads = pairs * D / kTightHeadWidth;
      if (times == 0) return;
      products.push_back({.batch = heads, .rows = queries, .inner = kTightHeadWidth, .columns = S, .times = times});
      products.push_back({.batch = heads, .rows = queries, .inner = S, .columns = kTightHeadWidth, .times = times});
    };
    add_linear(pairs * S, D, 3 * D, layers - 2);  // queries, keys, values
    add_attention(S, layers - 1);
    add_linear(pairs * S, D, D, layers - 1);
    add_linear(pairs * S, D, 4 * D, layers - 1);
    add_linear(pairs * S, 4 * D, D, layers - 1);
    add_linear(pairs * S, D, 2 * D, 1);  // the last layer's keys and values
    add_attention(1, 1);
    add_linear(pairs, D, D, 3);  // its query and output, the pooler
    add_linear(pairs, D, 4 * D, 1);
    add_linear(pairs, 4 * D, D, 1);
    add_linear(pairs, D, 1, 1);
    return products;
  }

  std::shared_ptr<RetrievalHead> literal(const TightConfig&, const FeatureShape&,
                                         const RetrievalHead& head) const override {
    return literal::tight_form(head);
  }

  double literal_floats(const HeadSizes& sizes, bool train) const override {
    return (train ? 100 : 23) * static_cast<double>((sizes.frames + 1) * sizes.width);
  }

  ReleasedSystem released() const override { return {.name = "clip4clip"}; }

  std::optional<TightConfig> of_released(const TensorMap& weights) const override {
    if (!has_prefix(weights, "cross.")) return std::nullopt;
    TightConfig config;
    config.layers = count_numbered(weights, "cross.transformer.resblocks.");
    return config;
  }
};

}  // namespace

const HeadDescriptor<TightConfig>& descriptor(const TightConfig&) {
  static const TightDescriptor descriptor;
  return descriptor;
}

}  // namespace glint
