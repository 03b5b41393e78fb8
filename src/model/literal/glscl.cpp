#include "model/literal/glscl.h"

#include <algorithm>

#include "model/literal/forms.h"
#include "model/literal/unit_vectors.h"

namespace glint::literal {

Glscl::Glscl(const GlsclConfig& config, int64_t width) : config_(config) {
  queries_ = register_parameter("spatial_queries", torch::rand({config.queries, width}));
  const auto layer = torch::nn::TransformerDecoderLayerOptions(width, config.decoder_heads)
                         .dim_feedforward(config.decoder_ffn)
                         .dropout(config.dropout)
                         .activation(torch::kReLU);
  decoder_ =
      register_module("transformer_decoder_noun",
                      torch::nn::TransformerDecoder(torch::nn::TransformerDecoderLayer(layer), config.decoder_layers));
}

torch::Tensor Glscl::concepts(const torch::Tensor& tokens) {
  const auto queries = queries_.unsqueeze(1).expand({-1, tokens.size(0), -1});      // [Q, N, D]
  return unit(decoder_->forward(queries, tokens.transpose(0, 1)).transpose(0, 1));  // [N, Q, D]
}

Glscl::Scores Glscl::forward(const torch::Tensor& sentence, const torch::Tensor& words, const torch::Tensor& frames,
                             const torch::Tensor& mask) {
  const auto nouns = concepts(words), visuals = concepts(frames);  // [A, Q, D], [B, Q, D]
  auto scores = score(sentence, frames, mask, nouns, visuals);
  if (nouns.size(0) == visuals.size(0)) add_losses(nouns, visuals, scores);
  return scores;
}

Glscl::Scores Glscl::score(const torch::Tensor& sentence, const torch::Tensor& frames, const torch::Tensor& mask,
                           const torch::Tensor& nouns, const torch::Tensor& visuals) const {
  const auto dots = torch::einsum("ad,btd->abt", {sentence, frames});
  const auto weights = (dots / config_.temperature).softmax(-1) * mask.to(frames.dtype()).unsqueeze(0);  // [A, B, T]
  const auto pooled = torch::einsum("abt,btd->abd", {weights, frames});                                  // [A, B, D]
  Scores scores;
  scores.global = torch::einsum("ad,abd->ab", {unit(sentence), unit(pooled)});
  scores.query = torch::einsum("aqd,bqd->abq", {nouns, visuals}).mean(-1);
  scores.all = scores.global + config_.query_weight * scores.query;
  scores.frames = weights;
  return scores;
}

void Glscl::add_losses(const torch::Tensor& nouns, const torch::Tensor& visuals, Scores& scores) const {
  scores.icl = icl(visuals, nouns);
  scores.idl = config_.alpha * (config_.idl_modalities == "both" ? idl(visuals) + idl(nouns) : idl(visuals));
}

torch::Tensor Glscl::icl(const torch::Tensor& visuals, const torch::Tensor& nouns) const {
  const auto B = visuals.size(0), Q = visuals.size(1);
  torch::Tensor consistency = torch::zeros({}, visuals.options());
  for (int64_t q = 0; q < Q; ++q) {
    torch::Tensor sum = torch::zeros({}, visuals.options());
    for (int64_t b = 0; b < B; ++b) sum = sum + visuals[b][q].dot(nouns[b][q]);
    const auto k = sum / static_cast<double>(config_.icl_normaliser == "queries" ? Q : B);
    consistency = consistency + (k - config_.icl_target).pow(2);
  }
  return (visuals.mean(0) - nouns.mean(0)).pow(2).mean() + config_.beta * consistency;
}

torch::Tensor Glscl::idl(const torch::Tensor& concepts) const {
  const auto Q = concepts.size(1);
  const auto gram = torch::einsum("bid,bjd->bij", {concepts, concepts}).mean(0);  // [Q, Q]
  torch::Tensor sum = torch::zeros({}, concepts.options());
  for (int64_t i = 0; i < Q; ++i) {
    for (int64_t j = 0; j < Q; ++j) {
      if (i == j) continue;
      sum = sum + (config_.idl_margin + gram[i][j] - gram[i][i]).clamp_min(0) +
            (config_.idl_margin + gram[i][j] - gram[j][j]).clamp_min(0);
    }
  }
  return sum / static_cast<double>(std::max<int64_t>(1, Q * (Q - 1)));
}

namespace {

class GlsclForm final : public RetrievalHead {
 public:
  GlsclForm(const GlsclConfig& config, const FeatureShape& shape, const RetrievalHead& head)
      : query_weight_(config.query_weight),
        form_(register_module("form", std::make_shared<Glscl>(config, shape.width))) {
    copy_parameters(head, *form_);
  }
  TextFeatures prepare_text(TextFeatures text) override {
    text.prepared["concepts"] = form_->concepts(text.words);
    return text;
  }
  VideoFeatures prepare_video(VideoFeatures video) override {
    video.prepared["concepts"] = form_->concepts(video.frames);
    return video;
  }
  torch::Tensor score(const TextFeatures& text, const VideoFeatures& video) override { return scores(text, video).all; }
  HeadOutput score_pairs(const TextFeatures& text, const VideoFeatures& video) override {
    auto all = scores(text, video);
    form_->add_losses(text.prepared.at("concepts"), video.prepared.at("concepts"), all);
    return {all.all, {{"icl", all.icl}, {"idl", all.idl}}};
  }

 protected:
  PairExplanation explain_pair(const TextFeatures& text, const VideoFeatures& video) override {
    const auto of = scores(prepare_text(text), prepare_video(video));
    return {.parts = {{"global", of.global.item<double>()}, {"local", query_weight_ * of.query.item<double>()}},
            .frames = to_numbers(of.frames / of.frames.sum()),
            .words = {},
            .frame_parts = {}};
  }

 private:
  Glscl::Scores scores(const TextFeatures& text, const VideoFeatures& video) const {
    return form_->score(text.sentence, video.frames, video.mask, text.prepared.at("concepts"),
                        video.prepared.at("concepts"));
  }

  double query_weight_;
  std::shared_ptr<Glscl> form_;
};

}  // namespace

std::shared_ptr<RetrievalHead> glscl_form(const GlsclConfig& config, const FeatureShape& shape,
                                          const RetrievalHead& head) {
  auto without_dropout = config;
  without_dropout.dropout = 0;
  return std::make_shared<GlsclForm>(without_dropout, shape, head);
}

}  // namespace glint::literal
