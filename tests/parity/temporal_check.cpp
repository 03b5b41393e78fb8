#include <torch/torch.h>

#include "parity/clip4clip.h"
#include "parity/parity.h"

namespace glint::test {

namespace {

struct Reference {
  const char* name;
  const char* encoder;
};
constexpr Reference kReferences[] = {{"meanP", "none"}, {"seqLSTM", "seq_lstm"}, {"seqTransf", "seq_transf"}};

// Everything one set of inputs has under one aggregator; gradients are those of sum(features * R).
TensorMap run(const GoldenCase& golden, const std::string& set, const Reference& reference, CaseReport& report) {
  const auto encoder = temporal_encoder_of(golden, reference.encoder, report);
  const auto frames = golden.input(set + ".V").clone().set_requires_grad(true);
  const auto& mask = golden.input(set + ".mask");
  const auto features = encoder->forward(frames, mask);
  (features * golden.input(set + ".R")).sum().backward();

  const std::string prefix = set + "." + reference.name + ".";
  TensorMap results = gradients_of(*encoder, prefix + "grad.");
  results[prefix + "features"] = features;
  results[prefix + "grad_V"] = frames.grad();
  torch::NoGradGuard no_grad;
  const auto [pooled, cosine] = mean_pooled(golden.input(set + ".text"), features.detach(), mask);
  results[prefix + "pooled"] = pooled;
  results[prefix + "logits"] = golden.weight("clip.logit_scale").exp() * cosine;
  return results;
}

}  // namespace

CaseReport check_temporal(const GoldenCase& golden) {
  CaseReport report;
  TensorMap results;
  for (const auto& [set, unused] : golden.json.at("config").at("sets").items()) {
    for (const auto& reference : kReferences) results.merge(run(golden, set, reference, report));
  }
  compare_everything(golden, results, report);
  return report;
}

}  // namespace glint::test
