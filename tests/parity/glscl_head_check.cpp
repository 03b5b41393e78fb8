#include <algorithm>
#include <cmath>

#include "glint/model/losses.h"
#include "parity/case_settings.h"
#include "parity/parity.h"

namespace glint::test {

namespace {

// The head as configured, with the case's weights and dropout off.
std::shared_ptr<RetrievalHead> glscl_head_of(const GoldenCase& golden) {
  auto head = make_head(glscl_config(golden), feature_shape_of(golden), /*dropout=*/0);
  head->to(golden.device);
  torch::NoGradGuard no_grad;
  for (auto& parameter : head->named_parameters()) {
    parameter.value().copy_(golden.weight(head->reference_names().at(parameter.key())));
  }
  return head;
}

// S = S_g + weight * s of prepared features; what was prepared does not ask for the decoder again, so it is a small
// one.
torch::Tensor scores_weighing(const GoldenCase& golden, double weight, const TextFeatures& text,
                              const VideoFeatures& video) {
  auto config = glscl_config(golden);
  config.decoder_layers = config.decoder_heads = config.decoder_ffn = 1;
  config.query_weight = weight;
  torch::NoGradGuard no_grad;
  return make_head(config, {golden.config<int64_t>("D"), 0, 0})->score(text, video);
}

struct GlsclFeatures {
  TextFeatures text;
  VideoFeatures video;
};

GlsclFeatures glscl_features_of(const GoldenCase& golden, int64_t texts, int64_t videos) {
  const auto rows = [&](const char* name, int64_t count) { return golden.input(name).slice(0, 0, count).clone(); };
  GlsclFeatures features;
  features.text.sentence = rows("c", texts);
  features.text.words = rows("W", texts);
  features.text.mask = rows("text_mask", texts);
  features.video.frames = rows("V", videos);
  features.video.mask = rows("video_mask", videos);
  return features;
}

torch::Tensor scores_in_chunks(RetrievalHead& head, const TextFeatures& text, const VideoFeatures& video,
                               int64_t chunk) {
  const auto texts = size(text), videos = size(video);
  std::vector<torch::Tensor> rows;
  for (int64_t a = 0; a < texts; a += chunk) {
    std::vector<torch::Tensor> row;
    for (int64_t b = 0; b < videos; b += chunk) {
      row.push_back(
          head.score(slice(text, a, std::min(a + chunk, texts)), slice(video, b, std::min(b + chunk, videos))));
    }
    rows.push_back(torch::cat(row, 1));
  }
  return torch::cat(rows, 0);
}

void check_evaluation(const GoldenCase& golden, CaseReport& report) {
  torch::NoGradGuard no_grad;
  const auto head = glscl_head_of(golden);
  head->eval();
  auto [text, video] = glscl_features_of(golden, golden.config<int64_t>("eval_A"), golden.config<int64_t>("eval_B"));
  text = head->prepare_text(text);
  video = head->prepare_video(video);
  const auto compare = [&](const std::string& name, const torch::Tensor& actual) {
    report.compare(name, actual, golden.want(name), golden.atol(name));
  };
  compare("eval.N", text.prepared.at("concepts"));
  compare("eval.P", video.prepared.at("concepts"));
  const auto global = scores_weighing(golden, 0, text, video);
  compare("eval.S_g", global);
  compare("eval.s", scores_weighing(golden, 1, text, video) - global);
  compare("eval.S", head->score(text, video));
  compare("eval.S_chunked", scores_in_chunks(*head, text, video, golden.config<int64_t>("chunk_of_S_chunked")));
}

// The gradient's norm has no tolerance of its own in the case: the rule of the others.
void compare_norm(const GoldenCase& golden, const std::string& name, const torch::Tensor& gradient,
                  CaseReport& report) {
  const double norm = golden.json.at("grad_l2").at(name), exact = golden.json.at("grad_l2_f64").at(name);
  const double atol = std::max({8 * std::abs(norm - exact), 2e-6 * std::abs(norm), 1e-9});
  report.compare("grad_l2." + name, gradient.to(torch::kFloat64).norm().item<double>(), exact, golden.slack * atol);
}

void compare_gradient(const GoldenCase& golden, const std::string& name, const torch::Tensor& gradient,
                      CaseReport& report) {
  const auto whole = "grad." + name, corner = "grad_corner16." + name;
  if (golden.has_want(whole)) report.compare(whole, gradient, golden.want(whole), golden.atol(whole));
  if (golden.has_want(corner)) {
    report.compare(corner, gradient.slice(0, 0, 16).slice(1, 0, 16), golden.want(corner), golden.atol(corner));
  }
  if (golden.json.at("grad_l2").contains(name)) compare_norm(golden, name, gradient, report);
}

void check_training(const GoldenCase& golden, CaseReport& report) {
  const auto head = glscl_head_of(golden);
  const auto raw = glscl_features_of(golden, golden.config<int64_t>("train_A"), golden.config<int64_t>("train_B"));
  for (const auto& tensor : {raw.text.sentence, raw.text.words, raw.video.frames}) tensor.set_requires_grad(true);
  const auto logit_scale = torch::full({}, golden.config<double>("logit_scale"), golden.device).set_requires_grad(true);
  const auto text = head->prepare_text(raw.text);
  const auto video = head->prepare_video(raw.video);
  const auto output = head->score_pairs(text, video);
  const auto nce = contrastive_loss(output.scores * logit_scale.exp());
  auto total = nce;
  const auto compare = [&](const std::string& name, const torch::Tensor& actual) {
    report.compare(name, actual, golden.want(name), golden.atol(name));
  };
  for (const auto& aux : output.aux) {
    compare(aux.name == "icl" ? "train.L_ICL" : "train.L_IDL", aux.value);
    total = total + aux.value;
  }
  compare("train.S", output.scores);
  compare("train.s", scores_weighing(golden, 1, text, video) - scores_weighing(golden, 0, text, video));
  compare("train.L_nce", nce);
  compare("train.total", total);
  total.backward();
  compare_gradient(golden, "c", raw.text.sentence.grad(), report);
  compare_gradient(golden, "W", raw.text.words.grad(), report);
  compare_gradient(golden, "V", raw.video.frames.grad(), report);
  compare_gradient(golden, "clip.logit_scale", logit_scale.grad(), report);
  const auto names = head->reference_names();
  for (const auto& parameter : head->named_parameters()) {
    compare_gradient(golden, names.at(parameter.key()), parameter.value().grad(), report);
  }
}

}  // namespace

CaseReport check_glscl_head(const GoldenCase& golden) {
  CaseReport report;
  check_evaluation(golden, report);
  check_training(golden, report);
  for (const auto& [name, tensor] : golden.expected) {
    const bool second_form = name.ends_with(".from_f64");  // of a tensor that is there without the suffix
    report.require(second_form || report.compared(name),
                   name + ": the case holds it, but nothing was compared with it");
  }
  return report;
}

}  // namespace glint::test
