#include "glint/model/head.h"
#include "glint/model/losses.h"
#include "parity/parity.h"

namespace glint::test {

namespace {

struct Run {
  torch::Tensor sentence, frames, logits;
};

// `which`: "train" or "eval". The case's scores are times the logit scale.
Run run(const GoldenCase& golden, const std::string& which, const torch::Tensor& logit_scale) {
  const FeatureShape shape{golden.config<int64_t>("D"), 0, golden.config<int64_t>("T")};
  const auto head = make_head(MeanPoolConfig{}, shape);
  Run result;
  result.sentence = golden.input(which + ".c").clone().set_requires_grad(true);
  result.frames = golden.input(which + ".V").clone().set_requires_grad(true);
  TextFeatures text;
  text.sentence = result.sentence;
  VideoFeatures video;
  video.frames = result.frames;
  video.mask = golden.input(which + ".video_mask");
  result.logits = head->score(head->prepare_text(text), head->prepare_video(video)) * logit_scale.exp();
  return result;
}

}  // namespace

CaseReport check_clip4clip_meanp(const GoldenCase& golden) {
  CaseReport report;
  const auto compare = [&](const std::string& name, const torch::Tensor& actual) {
    report.compare(name, actual, golden.want(name), golden.atol(name));
  };
  const auto logit_scale = golden.weight("logit_scale").clone().set_requires_grad(true);
  compare("eval.S", run(golden, "eval", logit_scale).logits);
  const auto train = run(golden, "train", logit_scale);
  compare("train.S", train.logits);
  const auto loss = contrastive_loss(train.logits);
  compare("train.loss", loss);
  loss.backward();
  const std::map<std::string, torch::Tensor> gradients = {
      {"c", train.sentence.grad()}, {"V", train.frames.grad()}, {"logit_scale", logit_scale.grad()}};
  std::vector<torch::Tensor> norms;
  for (const auto& name : golden.json.at("grad_names").get<std::vector<std::string>>()) {
    const auto gradient = gradients.find(name);
    if (gradient == gradients.end()) {
      report.require(false, "grad." + name + ": the head has no such gradient");
      return report;
    }
    norms.push_back(gradient->second.norm());
    if (golden.has_want("grad." + name)) compare("grad." + name, gradient->second);
  }
  compare("gradnorm", torch::stack(norms));
  for (const auto& [name, tensor] : golden.expected) {
    report.require(report.compared(name), name + ": the case holds it, but nothing was compared with it");
  }
  return report;
}

}  // namespace glint::test
