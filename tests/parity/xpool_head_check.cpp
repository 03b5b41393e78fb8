#include <torch/torch.h>

#include <algorithm>

#include "glint/eval/metrics.h"
#include "glint/model/head.h"
#include "glint/model/losses.h"
#include "model/heads/xpool_scores.h"
#include "parity/parity.h"
#include "support/load_parameters.h"

namespace glint::test {

namespace {

struct XpoolFeatures {
  TextFeatures text;
  VideoFeatures video;
};

XpoolFeatures xpool_features_of(const GoldenCase& golden, const std::string& part) {
  XpoolFeatures features;
  features.text.sentence = golden.input(part + ".text").clone();
  features.video.frames = golden.input(part + ".video").clone();
  return features;
}

std::shared_ptr<RetrievalHead> xpool_head_of(const GoldenCase& golden, CaseReport& report) {
  report.require(golden.config<int64_t>("heads") == 1 && golden.config<double>("layernorm_eps") == kXpoolEps,
                 "the case is not of one attention head or of another eps");
  XpoolConfig config;
  config.dropout = golden.config<double>("dropout");
  auto head = make_head(config, {golden.config<int64_t>("D"), /*max_words=*/0, golden.config<int64_t>("T")});
  TensorMap weights;
  const auto names = head->reference_names();
  for (const auto& parameter : head->named_parameters()) {
    weights[parameter.key()] = golden.weight(names.at(parameter.key()));
  }
  load_parameters(*head, weights, report);
  head->to(golden.device);
  return head;
}

// What the scores never form: z of every pair, from what is prepared.
torch::Tensor pooled(const GoldenCase& golden, const TextFeatures& text, const VideoFeatures& video) {
  const auto weight = [&](const std::string& name) { return golden.weight("pool_frames." + name); };
  XpoolPairs pairs;
  pairs.query = text.prepared.at("query");
  pairs.keys = video.prepared.at("keys");
  pairs.attended = video.prepared.at("attended");
  pairs.mixed = video.prepared.at("mixed");
  const auto& shift = weight("layer_norm2.bias");
  pairs.start = shift + torch::mv(weight("linear_proj.weight"), shift) + weight("linear_proj.bias");
  pairs.scale3 = weight("layer_norm3.weight");
  pairs.shift3 = weight("layer_norm3.bias");
  return xpool_pooled(pairs, /*seed=*/0);
}

void add_xpool_training(const GoldenCase& golden, TensorMap& results, CaseReport& report) {
  const auto head = xpool_head_of(golden, report);
  head->train();
  const auto features = xpool_features_of(golden, "train");
  const auto logit_scale = golden.weight("clip.logit_scale").clone().set_requires_grad(true);
  features.text.sentence.set_requires_grad(true);
  features.video.frames.set_requires_grad(true);
  const auto text = head->prepare_text(features.text);
  const auto video = head->prepare_video(features.video);
  const auto output = head->score_pairs(text, video);
  report.require(output.aux.empty(), "the head has a loss of its own");
  const auto loss = contrastive_loss(output.scores * logit_scale.exp());
  loss.backward();
  results["train.pooled"] = pooled(golden, text, video);
  results["train.S"] = output.scores;
  results["train.loss"] = loss;
  results["grad.clip.logit_scale"] = logit_scale.grad();
  results["grad.text"] = features.text.sentence.grad();
  results["grad.video"] = features.video.frames.grad();
  const auto names = head->reference_names();
  for (const auto& parameter : head->named_parameters()) {
    results["grad." + names.at(parameter.key())] = parameter->grad();
  }
}

torch::Tensor evaluated(RetrievalHead& head, const GoldenCase& golden) {
  torch::NoGradGuard no_grad;
  head.eval();
  const auto features = xpool_features_of(golden, "eval");
  return head.score(head.prepare_text(features.text), head.prepare_video(features.video));
}

// The scores with each video's captions in a row of their own; where it has fewer, -9 as the case has.
void add_captions(const GoldenCase& golden, const torch::Tensor& scores, TensorMap& results) {
  const auto& video_of_text = golden.input("eval.video_of_text");
  const auto counts = golden.config<std::vector<int64_t>>("captions_per_video");
  const auto videos = std::ssize(counts), most = *std::max_element(counts.begin(), counts.end());
  auto multi = torch::full({videos, most, scores.size(1)}, -9.0F);
  auto valid = torch::zeros({videos, most, scores.size(1)}, torch::kInt64);
  std::vector<int64_t> seen(counts.size());
  for (int64_t a = 0; a < scores.size(0); ++a) {
    const auto video = video_of_text[a].item<int64_t>();
    const auto caption = seen.at(static_cast<std::size_t>(video))++;
    multi[video][caption].copy_(scores[a]);
    valid[video][caption].fill_(1);
  }
  results["eval.S_multi"] = multi;
  results["eval.S_multi_valid"] = valid;
}

void compare_metrics(const std::string& name, const std::vector<double>& ranks, const nlohmann::json& want,
                     CaseReport& report) {
  const auto within = [&](double rank) {
    const auto count = std::count_if(ranks.begin(), ranks.end(), [&](double each) { return each < rank; });
    return 100.0 * static_cast<double>(count) / static_cast<double>(ranks.size());
  };
  const auto ours = summarise(ranks);
  const std::map<std::string, double> numbers = {{"R1", ours.r1},          {"R5", ours.r5},
                                                 {"R10", ours.r10},        {"R50", within(50)},
                                                 {"R100", within(100)},    {"MedR", ours.median_rank},
                                                 {"MeanR", ours.mean_rank}};
  for (const auto& [key, value] : want.items()) {
    report.require(numbers.count(key) != 0, "the check does not know the metric " + key);
    if (numbers.count(key) != 0) report.compare(name + "." + key, numbers.at(key), value.get<double>(), 1e-9);
  }
}

}  // namespace

CaseReport check_xpool_head(const GoldenCase& golden) {
  CaseReport report;
  TensorMap results;
  add_xpool_training(golden, results, report);
  const auto scores = evaluated(*xpool_head_of(golden, report), golden);
  results["eval.S"] = scores;
  add_captions(golden, scores, results);
  XpoolConfig mean;
  mean.pooling = "avg";
  results["eval.S_avg"] =
      evaluated(*make_head(mean, {golden.config<int64_t>("D"), /*max_words=*/0, golden.config<int64_t>("T")}), golden);
  const auto& video_of_text = golden.input("eval.video_of_text");
  const auto& metrics = golden.json.at("metrics_of_eval_S_multi");
  compare_metrics("t2v", text_to_video_ranks(scores, video_of_text, Ties::kOptimistic), metrics.at("t2v"), report);
  compare_metrics("v2t", video_to_text_ranks(scores, video_of_text, Ties::kOptimistic), metrics.at("v2t"), report);
  for (const auto& [name, want] : golden.expected) {
    const auto found = results.find(name);
    report.require(found != results.end(), "nothing was computed for " + name);
    if (found == results.end()) continue;
    const bool is_flag = want.scalar_type() == torch::kInt64;  // has no tolerance of its own
    report.compare(name, found->second, want, is_flag ? 0 : golden.atol(name));
  }
  return report;
}

}  // namespace glint::test
