#include <torch/torch.h>

#include "glint/model/losses.h"
#include "parity/clip4clip.h"
#include "parity/parity.h"

namespace glint::test {

namespace {

struct LossRun {
  torch::Tensor text, frames, scale;  // leaves
  torch::Tensor scores;               // [A, B], with the logit scale
};

LossRun run(const GoldenCase& golden, const std::string& set, TemporalEncoder& encoder) {
  const auto leaf = [](const torch::Tensor& value) { return value.clone().set_requires_grad(true); };
  LossRun run{leaf(golden.input(set + ".c")), leaf(golden.input(set + ".V")), leaf(golden.weight("logit_scale")), {}};
  const auto& mask = golden.input(set + ".video_mask");
  run.scores = run.scale.exp() * mean_pooled(run.text, encoder.forward(run.frames, mask), mask).cosine;
  return run;
}

// Scores, loss and gradients with this encoder of the frames.
void check(const GoldenCase& golden, TemporalEncoder& encoder, CaseReport& report) {
  const auto train = run(golden, "train", encoder);
  const auto loss = contrastive_loss(train.scores);
  loss.backward();
  TensorMap results = gradients_of(encoder, "grad.");
  results["grad.c"] = train.text.grad();
  results["grad.V"] = train.frames.grad();
  results["grad.logit_scale"] = train.scale.grad();
  results["gradnorm"] = gradient_norms(golden, results);
  results["train.S"] = train.scores;
  results["train.loss"] = loss;
  results["eval.S"] = run(golden, "eval", encoder).scores;
  compare_everything(golden, results, report);
}

}  // namespace

CaseReport check_clip4clip_meanp(const GoldenCase& golden) {
  CaseReport report;
  check(golden, *make_temporal_encoder("none", {}), report);
  return report;
}

CaseReport check_clip4clip_seqtransf_loss(const GoldenCase& golden) {
  CaseReport report;
  check(golden, *temporal_encoder_of(golden, "seq_transf", report), report);
  return report;
}

}  // namespace glint::test
