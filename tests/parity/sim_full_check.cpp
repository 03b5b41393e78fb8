#include <torch/torch.h>

#include <cmath>
#include <set>

#include "glint/core/error.h"
#include "glint/model/losses.h"
#include "glint/model/retrieval_model.h"
#include "glint/optim/optimizer.h"
#include "glint/weights/tower_weights.h"
#include "parity/glccl.h"
#include "parity/parity.h"

namespace glint::test {

namespace {

// The case says by the released file which head it is of.
HeadConfig head_config(const GoldenCase& golden) {
  const auto file = golden.json.at("reference").at("file").get<std::string>();
  if (file.ends_with("modeling_glccl.py")) {
    GlcclConfig config;
    config.temperature = golden.config<double>("glim_temperature");
    config.csc_weight = golden.config<double>("csc_weight");
    return config;
  }
  if (file.ends_with("modeling_xclip.py")) return XclipConfig{};
  throw Error(golden.name, ": no head for ", file);
}

std::string temporal(const GoldenCase& golden) {
  const std::map<std::string, std::string> ours = {
      {"seqTransf", "seq_transf"}, {"seqLSTM", "seq_lstm"}, {"meanP", "none"}};
  return ours.at(golden.config<std::string>("sim_header"));
}

std::unique_ptr<RetrievalModel> make_simulated_model(const GoldenCase& golden) {
  ModelConfig config;
  config.text_mask = "causal";
  config.temporal = temporal(golden);
  config.temporal_layers = golden.config<int64_t>("temporal_layers");
  config.dropout = 0;
  const FeatureShape shape{golden.config<int64_t>("embed_dim"), golden.config<int64_t>("max_words"),
                           golden.config<int64_t>("max_frames")};
  auto model = std::make_unique<RetrievalModel>(config, head_config(golden), tower_sizes(golden.weights), shape);
  load_pretrained(*model, golden.weights);
  model->to(golden.device);
  return model;
}

OptimConfig simulated_optim_config(const GoldenCase& golden) {
  const auto& given = golden.json.at("config").at("optimiser");
  OptimConfig config;
  config.lr = given.at("lr").get<double>();
  config.clip_lr = config.lr * given.at("coef_lr").get<double>();
  config.weight_decay = given.at("weight_decay").get<double>();
  config.warmup = given.at("warmup").get<double>();
  config.schedule = given.at("schedule").get<std::string>();
  config.beta1 = given.at("b1").get<double>();
  config.beta2 = given.at("b2").get<double>();
  config.eps = given.at("e").get<double>();
  config.grad_clip = given.at("global_grad_clip").get<double>();
  return config;
}

struct Prepared {
  TextFeatures text;
  VideoFeatures video;
};

Prepared encode(const GoldenCase& golden, RetrievalModel& model, int64_t batch) {
  const auto input = [&](const char* name) { return golden.input(name)[batch]; };
  return {model.encode_text(input("input_ids"), input("input_mask")),
          model.encode_video(input("pixels"), input("video_mask"))};
}

struct Losses {
  torch::Tensor total, nce;
  std::map<std::string, torch::Tensor> aux;  // without their weight
};

Losses losses_of(const GoldenCase& golden, RetrievalModel& model, const HeadOutput& output) {
  Losses losses;
  losses.total = losses.nce = contrastive_loss(output.scores * model.logit_scale());
  for (const auto& aux : output.aux) {
    losses.aux[aux.name] = aux.value / golden.config<double>(aux.name + "_weight");
    losses.total = losses.total + aux.value;
  }
  return losses;
}

// Features, scores, loss and gradients of the first batch, nothing frozen.
void add_first_step(const GoldenCase& golden, TensorMap& results) {
  const auto model = make_simulated_model(golden);
  const auto [text, video] = encode(golden, *model, 0);
  const auto output = model->head().score_pairs(text, video);
  const auto losses = losses_of(golden, *model, output);
  losses.total.backward();
  results["step0.loss"] = losses.total.detach();
  results["step0.S"] = (output.scores * model->logit_scale()).detach();

  const torch::NoGradGuard no_grad;
  const auto pixels = golden.input("pixels")[0];
  results["step0.frames"] = model->clip().encode_image(pixels.flatten(0, 1)).view({pixels.size(0), pixels.size(1), -1});
  std::tie(results["step0.W"], results["step0.c"]) =
      model->clip().encode_text(golden.input("input_ids")[0], golden.input("input_mask")[0], TextMask::kCausal);
  if (std::holds_alternative<GlcclConfig>(head_config(golden))) {
    for (const auto& [name, scores] : glccl_four_scores(model->head(), "softmax", text, video)) {
      results["step0." + name] = scores * model->logit_scale();
    }
  }

  std::map<std::string, torch::Tensor> gradients;
  const auto reference = model->reference_names();
  for (const auto& item : model->named_parameters()) {
    const auto& name = reference.at(item.key());
    if (item.value().grad().defined()) results["grad." + name] = gradients[name] = item.value().grad();
  }
  std::vector<double> norms;
  for (const auto& name : golden.json.at("grad_names").get<std::vector<std::string>>()) {
    norms.push_back(gradients.count(name) == 0 ? NAN : gradients.at(name).to(torch::kFloat64).norm().item<double>());
  }
  results["gradnorm"] = torch::tensor(norms, torch::kFloat64).to(torch::kFloat32);
}

// What training freezes is what the case lists.
void check_frozen(const GoldenCase& golden, const RetrievalModel& model, CaseReport& report) {
  std::set<std::string> frozen;
  const auto reference = model.reference_names();
  for (const auto& item : model.named_parameters()) {
    if (!item.value().requires_grad()) frozen.insert(reference.at(item.key()));
  }
  const auto listed = golden.json.at("frozen_in_training").get<std::set<std::string>>();
  report.require(frozen == listed, "other parameters are frozen than the case lists");
}

void add_simulated_training(const GoldenCase& golden, TensorMap& results, CaseReport& report) {
  const auto model = make_simulated_model(golden);
  freeze_parameters(*model, "clip4clip");
  check_frozen(golden, *model, report);
  model->train();
  NamedParameters trained;
  TensorMap first;
  const auto reference = model->reference_names();
  for (const auto& item : model->named_parameters()) {
    first[reference.at(item.key())] = item.value().detach().clone();
    if (item.value().requires_grad()) trained.emplace_back(item.key(), item.value());
  }
  const auto config = simulated_optim_config(golden);
  Optimizer optimizer(parameter_groups(trained, config), config);
  const auto t_total = golden.json.at("config").at("optimiser").at("t_total").get<double>();
  std::map<std::string, std::vector<double>> curves;
  for (int64_t step = 0; step < golden.input("pixels").size(0); ++step) {
    optimizer.zero_grad();
    const auto [text, video] = encode(golden, *model, step);
    const auto losses = losses_of(golden, *model, model->head().score_pairs(text, video));
    losses.total.backward();
    curves["loss"].push_back(losses.total.item<double>());
    curves["nce"].push_back(losses.nce.item<double>());
    for (const auto& [name, value] : losses.aux) curves[name].push_back(value.item<double>());
    curves["grad_norm_before_clip"].push_back(clip_global_norm(trained, config.grad_clip));
    optimizer.step(schedule_factor(config, static_cast<double>(step) / t_total));
    model->clamp_logit_scale(100);
  }
  for (const auto& [name, values] : curves) {
    results["train." + name] = torch::tensor(values, torch::kFloat64).to(torch::kFloat32);
  }

  const torch::NoGradGuard no_grad;
  for (const auto& item : model->named_parameters()) {
    results["final." + reference.at(item.key())] = item.value().detach();
  }
  std::vector<double> moved;
  for (const auto& name : golden.json.at("delta_names").get<std::vector<std::string>>()) {
    // What the release registers without using it stays where it is.
    const auto found = first.find(name);
    moved.push_back(found == first.end() ? 0 : (results.at("final." + name) - found->second).norm().item<double>());
  }
  results["final.delta_norm"] = torch::tensor(moved, torch::kFloat64).to(torch::kFloat32);
  model->eval();
  const auto [text, video] = encode(golden, *model, 0);
  const auto scores = model->head().score(slice(text, 0, size(text) - 1), video);
  results["final.eval_S"] = scores * model->logit_scale();
}

}  // namespace

CaseReport check_sim_full(const GoldenCase& golden) {
  CaseReport report;
  TensorMap results;
  add_first_step(golden, results);
  add_simulated_training(golden, results, report);
  compare_everything(golden, results, report);
  return report;
}

}  // namespace glint::test
