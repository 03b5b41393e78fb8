#include <torch/torch.h>

#include <cstdio>

#include "glint/core/error.h"
#include "glint/model/head.h"
#include "glint/model/losses.h"
#include "model/heads/glccl_scores.h"
#include "parity/glccl.h"
#include "parity/parity.h"

namespace glint::test {

namespace {

// One aggregation variant of the case.
struct Variant {
  const GoldenCase& golden;
  std::string aggregation;
  std::string prefix;  // of its expected tensors: "softmax." where the case holds several variants
  std::shared_ptr<RetrievalHead> head;
  torch::Tensor logit_scale;
};

Variant variant_of(const GoldenCase& golden, const std::string& aggregation) {
  GlcclConfig config;
  config.temperature = golden.config<double>("glim_temperature");
  config.score_temperature = golden.config<double>("softmax_temperature");
  config.aggregation = aggregation;
  config.csc_weight = 1;
  const FeatureShape shape{golden.config<int64_t>("D"), golden.config<int64_t>("L"), golden.config<int64_t>("T")};
  auto head = make_head(config, shape);
  head->to(golden.device);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : head->named_parameters()) {
    parameter.value().copy_(golden.weight(head->reference_names().at(parameter.key())));
  }
  const auto logit_scale = golden.weight("logit_scale").clone().set_requires_grad(true);
  const bool alone = golden.has_want("train.S");
  return {golden, aggregation, alone ? "" : aggregation + ".", std::move(head), logit_scale};
}

struct GlcclFeatures {
  torch::Tensor sentence, words, frames;
  TextFeatures text;    // prepared
  VideoFeatures video;  // prepared
};

GlcclFeatures prepare(const Variant& variant, const std::string& part, bool with_gradient) {
  const auto input = [&](const char* name) {
    return variant.golden.input(part + name).clone().set_requires_grad(with_gradient);
  };
  GlcclFeatures all{input(".c"), input(".W"), input(".V"), {}, {}};
  all.text = variant.head->prepare_text({all.sentence, all.words, {}, {}});
  all.video = variant.head->prepare_video({all.frames, {}, variant.golden.input(part + ".video_mask"), {}});
  return all;
}

void add_scores(const Variant& variant, const std::string& part, const GlcclFeatures& features, TensorMap& results) {
  const torch::NoGradGuard no_grad;
  const auto scale = variant.logit_scale.exp();
  const auto four = glccl_four_scores(*variant.head, variant.aggregation, features.text, features.video);
  for (const auto& [name, scores] : four) results[variant.prefix + part + "." + name] = scores * scale;
  results[variant.prefix + part + ".S"] = variant.head->score(features.text, features.video) * scale;
}

// Gradients of one loss by the names of the case.
TensorMap gradients_of(const Variant& variant, const GlcclFeatures& features, const torch::Tensor& loss) {
  std::vector<std::string> names = {"c", "W", "V", "logit_scale"};
  std::vector<torch::Tensor> of = {features.sentence, features.words, features.frames, variant.logit_scale};
  const auto reference = variant.head->reference_names();
  for (const auto& parameter : variant.head->named_parameters()) {
    names.push_back(reference.at(parameter.key()));
    of.push_back(parameter.value());
  }
  const auto found = torch::autograd::grad({loss}, of, {}, /*retain_graph=*/true, /*create_graph=*/false,
                                           /*allow_unused=*/true);
  TensorMap gradients;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (found[i].defined()) gradients[names[i]] = found[i];
  }
  return gradients;
}

// Every form in which the case may hold a gradient: whole, its norm, some of its rows.
void add_gradients(const Variant& variant, const std::string& kind, const TensorMap& gradients, TensorMap& results) {
  for (const auto& [name, gradient] : gradients) {
    results[variant.prefix + kind + "." + name] = gradient;
    results[variant.prefix + kind + "norm." + name] = gradient.to(torch::kFloat64).norm().to(torch::kFloat32);
  }
  for (const auto& [expected, tensor] : variant.golden.expected) {
    const auto rows = variant.prefix + kind + "_rows";
    if (!expected.starts_with(rows)) continue;
    long begin = 0, end = 0;
    char name[128] = {};
    const int read = std::sscanf(expected.c_str() + rows.size(), "%ld_%ld.%127s", &begin, &end, name);
    if (read == 3) results[expected] = gradients.at(name).slice(0, begin, end);
  }
}

void add_training(const Variant& variant, TensorMap& results) {
  const auto features = prepare(variant, "train", /*with_gradient=*/true);
  add_scores(variant, "train", features, results);
  const auto output = variant.head->score_pairs(features.text, features.video);
  const auto nce = contrastive_loss(output.scores * variant.logit_scale.exp());
  const auto& csc = output.aux.at(0).value;
  results[variant.prefix + "train.loss_nce"] = nce.detach();
  results[variant.prefix + "train.loss_csc"] = csc.detach();
  const auto weights = variant.golden.config<std::vector<double>>("csc_weights");
  for (const auto weight : weights) {
    results[variant.prefix + "train.total_w" + concat(weight)] = (nce + weight * csc).detach();
  }
  add_gradients(variant, "grad", gradients_of(variant, features, nce + weights.front() * csc), results);
  add_gradients(variant, "grad_nce", gradients_of(variant, features, nce), results);
  add_gradients(variant, "grad_csc", gradients_of(variant, features, csc), results);
}

}  // namespace

CaseReport check_glccl_head(const GoldenCase& golden) {
  CaseReport report;
  TensorMap results;
  for (const auto& aggregation : golden.json.at("aggregation").get<std::vector<std::string>>()) {
    const auto variant = variant_of(golden, aggregation);
    add_scores(variant, "eval", prepare(variant, "eval", /*with_gradient=*/false), results);
    add_training(variant, results);
  }
  compare_everything(golden, results, report);
  return report;
}

}  // namespace glint::test
