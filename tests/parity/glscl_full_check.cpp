#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "glint/model/losses.h"
#include "parity/case_settings.h"
#include "parity/parity.h"

namespace glint::test {

namespace {

// The model of the case; `query_weight` stands for its own loss2_weight.
std::unique_ptr<RetrievalModel> model_weighing(const GoldenCase& golden, double query_weight) {
  auto head = glscl_config(golden);
  head.query_weight = query_weight;
  return glscl_model(golden, head);
}

TextFeatures text_of(const GoldenCase& golden, RetrievalModel& model) {
  return model.encode_text(golden.input("ids"), golden.input("text_mask"));
}

VideoFeatures video_of(const GoldenCase& golden, RetrievalModel& model) {
  return model.encode_video(golden.input("pixels"), golden.input("video_mask"));
}

void add_features(const GoldenCase& golden, RetrievalModel& model, TensorMap& results) {
  torch::NoGradGuard no_grad;
  const auto& pixels = golden.input("pixels");
  results["frame_cls"] = model.clip().encode_image(pixels.flatten(0, 1)).view({pixels.size(0), pixels.size(1), -1});
  std::tie(results["W"], results["c"]) =
      model.clip().encode_text(golden.input("ids"), golden.input("text_mask"), TextMask::kCausalPadding);
  const auto text = text_of(golden, model);
  const auto video = video_of(golden, model);
  results["V"] = video.frames;
  results["N"] = text.prepared.at("concepts");
  results["P"] = video.prepared.at("concepts");
  results["S_eval"] = model.head().score(text, video);
  results["S_g"] = model_weighing(golden, 0)->head().score(text, video);
  results["s"] = model_weighing(golden, 1)->head().score(text, video) - results["S_g"];
}

void add_losses(const GoldenCase& golden, RetrievalModel& model, TensorMap& results) {
  const auto output = model.head().score_pairs(text_of(golden, model), video_of(golden, model));
  auto total = contrastive_loss(output.scores * model.logit_scale());
  results["L_nce"] = total;
  for (const auto& aux : output.aux) {
    results[aux.name == "icl" ? "L_ICL" : "L_IDL"] = aux.value;
    total = total + aux.value;
  }
  results["total"] = total;
  total.backward();
}

// The case lists the norms without a tolerance each; theirs is eight times the largest deviation of its float32 run.
void compare_norms(const GoldenCase& golden, const TensorMap& gradients, CaseReport& report) {
  const auto& norms = golden.json.at("grad_l2_f64");
  const double share = golden.slack * 8 * golden.json.at("grad_l2_max_rel_diff_f32_f64").get<double>();
  for (const auto& [name, norm] : norms.items()) {
    const auto found = gradients.find(name);
    report.require(found != gradients.end(), "no gradient for " + name);
    if (found == gradients.end()) continue;
    const double ours = found->second.to(torch::kFloat64).norm().item<double>(), theirs = norm.get<double>();
    report.compare("grad_l2." + name, ours, theirs, share * theirs);
  }
  for (const auto& [name, gradient] : gradients) report.require(norms.contains(name), "a gradient too many: " + name);
}

// The case's text promises gradients before any clipping, but its tensors are those after the release's clip to a
// global norm of 1, while grad_l2 and global_grad_norm are from before it. A tensor of the listed norm is taken as
// unclipped.
double stored_share(const GoldenCase& golden, const std::string& name, double global_norm) {
  const double listed = golden.json.at("grad_l2").at(name).get<double>();
  const double stored = golden.want("grad." + name).to(torch::kFloat64).norm().item<double>();
  return std::abs(stored - listed) < 1e-3 * listed ? 1.0 : std::min(1.0, 1.0 / (global_norm + 1e-6));
}

TensorMap gradients_of(const RetrievalModel& model) {
  const auto names = model.reference_names();
  TensorMap gradients;
  for (const auto& item : model.named_parameters()) {
    if (item->grad().defined()) gradients[names.at(item.key())] = item->grad();
  }
  return gradients;
}

double global_norm(const TensorMap& gradients) {
  double squares = 0;
  for (const auto& [name, gradient] : gradients) squares += gradient.to(torch::kFloat64).square().sum().item<double>();
  return std::sqrt(squares);
}

}  // namespace

CaseReport check_glscl_full(const GoldenCase& golden) {
  CaseReport report;
  const auto model = glscl_model(golden, glscl_config(golden));
  TensorMap results;
  add_features(golden, *model, results);
  add_losses(golden, *model, results);
  const auto gradients = gradients_of(*model);
  const double norm = global_norm(gradients);
  results["global_grad_norm"] = torch::tensor(norm, torch::kFloat64);
  for (const auto& [name, gradient] : gradients) {
    if (!golden.has_want("grad." + name)) continue;
    results["grad." + name] = gradient * stored_share(golden, name, norm);
  }
  compare_everything(golden, results, report);
  compare_norms(golden, gradients, report);
  return report;
}

}  // namespace glint::test
