#include <torch/torch.h>

#include "glint/model/head.h"
#include "glint/model/losses.h"
#include "parity/clip4clip.h"
#include "parity/parity.h"
#include "support/load_parameters.h"

namespace glint::test {

namespace {

std::shared_ptr<RetrievalHead> tight_head_of(const GoldenCase& golden, CaseReport& report) {
  TightConfig config;
  config.layers = golden.config<int64_t>("layers");
  config.dropout = golden.config<double>("dropout");
  FeatureShape shape{golden.config<int64_t>("D"), /*max_words=*/0, golden.config<int64_t>("T")};
  shape.positions = golden.weight("cross.embeddings.position_embeddings.weight").size(0);
  auto head = make_head(config, shape);
  TensorMap weights;
  const auto names = head->reference_names();
  for (const auto& parameter : head->named_parameters()) {
    weights[parameter.key()] = golden.weight(names.at(parameter.key()));
  }
  load_parameters(*head, weights, report);
  head->to(golden.device);
  return head;
}

struct TightRun {
  torch::Tensor sentence, frames;  // leaves
  torch::Tensor scores;            // [A, B]
};

TightRun run(const GoldenCase& golden, const std::string& set, RetrievalHead& head) {
  const auto leaf = [&](const char* name) { return golden.input(set + name).clone().set_requires_grad(true); };
  TightRun run{leaf(".c"), leaf(".V"), {}};
  TextFeatures text;
  text.sentence = run.sentence;
  VideoFeatures video;
  video.frames = run.frames;
  video.mask = golden.input(set + ".video_mask");
  run.scores = head.score(head.prepare_text(text), head.prepare_video(video));
  return run;
}

}  // namespace

CaseReport check_clip4clip_tight(const GoldenCase& golden) {
  CaseReport report;
  const auto head = tight_head_of(golden, report);
  report.require(!head->uses_logit_scale(), "the released loss has no logit scale");
  const auto train = run(golden, "train", *head);
  const auto loss = contrastive_loss(train.scores);
  loss.backward();
  TensorMap results;
  results["train.S"] = train.scores;
  results["train.loss"] = loss;
  results["grad.c"] = train.sentence.grad();
  results["grad.V"] = train.frames.grad();
  const auto names = head->reference_names();
  for (const auto& parameter : head->named_parameters()) {
    results["grad." + names.at(parameter.key())] = parameter->grad();
  }
  results["gradnorm"] = gradient_norms(golden, results);
  const torch::NoGradGuard no_grad;
  head->eval();
  results["eval.S"] = run(golden, "eval", *head).scores;
  compare_everything(golden, results, report);
  return report;
}

}  // namespace glint::test
