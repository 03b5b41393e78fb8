#include <torch/torch.h>

#include <vector>

#include "glint/model/head.h"
#include "glint/model/losses.h"
#include "parity/parity.h"
#include "support/load_parameters.h"

namespace glint::test {

namespace {

using Names = std::vector<std::string>;

// The head as configured with the case's weights, those named in `zeroed` set to zero.
std::shared_ptr<RetrievalHead> xclip_head_of(const GoldenCase& golden, const Names& zeroed, CaseReport& report) {
  XclipConfig config;
  config.temperature = golden.config<double>("softmax_temperature");
  auto head =
      make_head(config, {golden.config<int64_t>("D"), golden.config<int64_t>("L"), golden.config<int64_t>("T")});
  TensorMap weights;
  const auto names = head->reference_names();
  for (const auto& parameter : head->named_parameters()) {
    weights[parameter.key()] = golden.weight(names.at(parameter.key()));
  }
  for (const auto& name : zeroed) weights.at(name) = torch::zeros_like(weights.at(name));
  load_parameters(*head, weights, report);
  head->to(golden.device);
  return head;
}

struct XclipFeatures {
  TextFeatures text;
  VideoFeatures video;
};

XclipFeatures xclip_features_of(const GoldenCase& golden, const std::string& part) {
  XclipFeatures features;
  features.text.sentence = golden.input(part + ".c").clone();
  features.text.words = golden.input(part + ".W").clone();
  features.video.frames = golden.input(part + ".frames_seq").clone();
  features.video.clip_frames = golden.input(part + ".frames").clone();
  features.video.mask = golden.input(part + ".video_mask");
  return features;
}

torch::Tensor scores_of(RetrievalHead& head, const XclipFeatures& features) {
  return head.score(head.prepare_text(features.text), head.prepare_video(features.video));
}

// S and each single score, which is four times the mean with the matrices of the other three at zero; times the scale.
void add_scores(const GoldenCase& golden, const std::string& part, TensorMap& results, CaseReport& report) {
  torch::NoGradGuard no_grad;
  const std::string vs = "global_mat_weight", vw = "word_logit_weight", sf = "frame_logit_weight";
  const std::string fw = "word_mat_weight2", fw2 = "frame_mat_weight2";
  const std::vector<std::pair<std::string, Names>> zeroed = {
      {"S_vs", {vw, sf, fw, fw2}}, {"S_vw", {vs, sf, fw, fw2}}, {"S_sf", {vs, vw, fw, fw2}}, {"S_fw", {vs, vw, sf}}};
  const auto scale = golden.weight("logit_scale").exp();
  const auto features = xclip_features_of(golden, part);
  results[part + ".S"] = scores_of(*xclip_head_of(golden, {}, report), features) * scale;
  for (const auto& [name, others] : zeroed) {
    results[part + "." + name] = scores_of(*xclip_head_of(golden, others, report), features) * scale * 4;
  }
}

void add_gradients(const GoldenCase& golden, TensorMap& results, CaseReport& report) {
  const auto head = xclip_head_of(golden, {}, report);
  const auto features = xclip_features_of(golden, "train");
  const auto logit_scale = golden.weight("logit_scale").clone().set_requires_grad(true);
  const std::map<std::string, torch::Tensor> inputs = {{"c", features.text.sentence},
                                                       {"W", features.text.words},
                                                       {"frames", features.video.clip_frames},
                                                       {"frames_seq", features.video.frames}};
  for (const auto& [name, tensor] : inputs) tensor.set_requires_grad(true);
  const auto output = head->score_pairs(head->prepare_text(features.text), head->prepare_video(features.video));
  report.require(output.aux.empty(), "the head has a loss of its own");
  const auto loss = contrastive_loss(output.scores * logit_scale.exp());
  results["train.loss"] = loss;
  loss.backward();
  results["grad.logit_scale"] = logit_scale.grad();
  for (const auto& [name, tensor] : inputs) results["grad." + name] = tensor.grad();
  const auto names = head->reference_names();
  for (const auto& parameter : head->named_parameters()) {
    results["grad." + names.at(parameter.key())] = parameter->grad();
  }
}

}  // namespace

CaseReport check_xclip_head(const GoldenCase& golden) {
  CaseReport report;
  TensorMap results;
  add_scores(golden, "train", results, report);
  add_scores(golden, "eval", results, report);
  add_gradients(golden, results, report);
  compare_everything(golden, results, report);
  return report;
}

}  // namespace glint::test
