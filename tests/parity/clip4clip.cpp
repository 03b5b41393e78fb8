#include "parity/clip4clip.h"

#include <torch/torch.h>

#include "glint/model/head.h"
#include "support/load_parameters.h"

namespace glint::test {

namespace {

// Name under the encoder -> released name.
std::string released_name(const std::string& name) {
  if (name.starts_with("lstm.")) return "lstm_visual." + name.substr(5);
  if (name.starts_with("resblocks.")) return "transformerClip." + name;
  return name;
}

}  // namespace

std::shared_ptr<TemporalEncoder> temporal_encoder_of(const GoldenCase& golden, const std::string& name,
                                                     CaseReport& report) {
  TemporalSizes sizes;
  const auto& positions = golden.weight("frame_position_embeddings.weight");
  sizes.position_rows = positions.size(0);
  sizes.width = positions.size(1);
  sizes.layers = golden.config<int64_t>("layers");
  auto encoder = make_temporal_encoder(name, sizes);
  TensorMap weights;
  for (const auto& item : encoder->named_parameters()) weights[item.key()] = golden.weight(released_name(item.key()));
  load_parameters(*encoder, weights, report);
  encoder->to(golden.device);
  return encoder;
}

TensorMap gradients_of(const TemporalEncoder& encoder, const std::string& prefix) {
  TensorMap gradients;
  for (const auto& item : encoder.named_parameters()) gradients[prefix + released_name(item.key())] = item->grad();
  return gradients;
}

MeanPooled mean_pooled(const torch::Tensor& text, const torch::Tensor& frames, const torch::Tensor& mask) {
  const auto head = make_head(MeanPoolConfig{}, {frames.size(2), /*max_words=*/0, frames.size(1)});
  TextFeatures texts;
  texts.sentence = text;
  VideoFeatures videos;
  videos.frames = frames;
  videos.mask = mask;
  texts = head->prepare_text(texts);
  videos = head->prepare_video(videos);
  return {videos.prepared.at("pooled"), head->score(texts, videos)};
}

torch::Tensor gradient_norms(const GoldenCase& golden, const TensorMap& results) {
  std::vector<torch::Tensor> norms;
  for (const auto& name : golden.json.at("grad_names").get<std::vector<std::string>>()) {
    const auto gradient = results.find("grad." + name);
    const bool is_there = gradient != results.end() && gradient->second.defined();
    norms.push_back(is_there ? gradient->second.norm().cpu() : torch::tensor(NAN));
  }
  return torch::stack(norms);
}

}  // namespace glint::test
