#include <torch/torch.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <set>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/model/losses.h"
#include "glint/optim/optimizer.h"
#include "parity/case_settings.h"
#include "parity/parity.h"

namespace glint::test {
namespace {

constexpr std::array kNumbers = {"total", "L_nce", "L_IDL", "L_ICL", "grad_norm", "logit_scale"};

OptimConfig trained_optim_config(const GoldenCase& golden) {
  auto config = bertadam_config(golden);
  config.grad_clip = golden.config<double>("global_grad_clip");
  return config;
}

std::unique_ptr<RetrievalModel> make_trained_model(const GoldenCase& golden) {
  auto model = glscl_model(golden, glscl_config(golden));
  const torch::NoGradGuard no_grad;
  model->clip().logit_scale.fill_(golden.config<double>("logit_scale_start"));
  return model;
}

// The case's own lists of names, or those of the case beside it that it refers to ("as NAME"); null where that is
// missing.
nlohmann::json listed_groups(const GoldenCase& golden) {
  const auto& groups = golden.json.at("groups");
  if (!groups.is_string()) return groups;
  const auto other = golden.folder.parent_path() / groups.get<std::string>().substr(3) / "case.json";
  if (!std::filesystem::exists(other)) return nullptr;
  return nlohmann::json::parse(read_file(other)).at("groups");
}

// The four groups hold the names that the case lists, in its order.
void compare_groups(CaseReport& report, const GoldenCase& golden, const RetrievalModel& model,
                    const std::vector<ParameterGroup>& groups) {
  constexpr std::array kListed = {"decay_clip", "decay_other", "nodecay_clip", "nodecay_other"};
  const auto listed = listed_groups(golden);
  if (listed.is_null()) return;
  const auto reference = model.reference_names();
  for (std::size_t i = 0; i < groups.size(); ++i) {
    std::set<std::string> ours;
    for (const auto& [name, parameter] : groups[i].parameters) ours.insert(reference.at(name));
    const auto theirs = listed.at(kListed.at(i)).get<std::set<std::string>>();
    report.require(ours == theirs, concat("group ", groups[i].name, " holds other parameters than ", kListed.at(i)));
  }
}

using Numbers = std::map<std::string, double>;  // of a step, by their names in the case

// The model under test with float32 weights, and a copy of it that computes losses and gradients in float64. A ReLU's
// input that rounding moves across zero changes a gradient by far more than the tolerances, which come from a run where
// none did; with float32 products it hangs on the processor whether one does.
struct TrainedModel {
  explicit TrainedModel(const GoldenCase& golden)
      : model(make_trained_model(golden)), exact(make_trained_model(golden)) {
    exact->to(torch::kFloat64);
    for (auto* each : {model.get(), exact.get()}) each->train();
    for (const auto& item : model->named_parameters()) parameters.emplace_back(item.key(), item.value());
  }

  void copy_weights() const {
    const torch::NoGradGuard no_grad;
    const auto copies = exact->named_parameters();
    for (const auto& [name, parameter] : parameters) copies[name].copy_(parameter);
  }
  void copy_gradients() const {
    const auto copies = exact->named_parameters();
    for (const auto& [name, parameter] : parameters) {
      auto weight = parameter;
      const auto& gradient = copies[name].grad();
      if (gradient.defined()) weight.mutable_grad() = gradient.to(torch::kFloat32);
    }
    exact->zero_grad();
  }

  std::unique_ptr<RetrievalModel> model;
  std::unique_ptr<RetrievalModel> exact;
  NamedParameters parameters;  // of `model`
};

// One step as the trainer makes it.
Numbers train_step(const TrainedModel& trained, Optimizer& optimizer, const GoldenCase& golden, int64_t batch,
                   double lr_factor) {
  const auto input = [&](const char* name) { return golden.input(concat(batch, ".", name)); };
  optimizer.zero_grad();
  trained.copy_weights();
  auto& exact = *trained.exact;
  const auto text = exact.encode_text(input("ids"), input("text_mask"));
  const auto video = exact.encode_video(input("pixels").to(torch::kFloat64), input("video_mask"));
  const auto out = exact.head().score_pairs(text, video);
  auto loss = contrastive_loss(out.scores * exact.logit_scale());
  Numbers numbers = {{"L_nce", loss.item<double>()}};
  for (const auto& aux : out.aux) {
    numbers[aux.name == "idl" ? "L_IDL" : aux.name == "icl" ? "L_ICL" : aux.name] = aux.value.item<double>();
    loss = loss + aux.value;
  }
  numbers["total"] = loss.item<double>();
  loss.backward();
  trained.copy_gradients();
  numbers["grad_norm"] = clip_global_norm(trained.parameters, golden.config<double>("global_grad_clip"));
  optimizer.step(lr_factor);
  trained.model->clamp_logit_scale(std::exp(golden.config<double>("logit_scale_max")));
  numbers["logit_scale"] = trained.model->clip().logit_scale.item<double>();
  return numbers;
}

void compare_step(CaseReport& report, const GoldenCase& golden, std::size_t step, const Numbers& numbers) {
  for (const auto* name : kNumbers) {
    report.compare(concat(name, "[", step, "]"), numbers.at(name),
                   golden.json.at("per_step").at(name).at(step).get<double>(),
                   golden.json.at("per_step_atol").at(name).get<double>());
  }
}

void compare_rates(CaseReport& report, const GoldenCase& golden, std::size_t step,
                   const std::vector<ParameterGroup>& groups, double lr_factor) {
  const auto rtol = golden.json.at("per_step_rtol").at("lr").get<double>();
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto want = golden.json.at("per_step").at("lr").at(step).at(i).get<double>();
    report.compare(concat("lr[", step, "][", i, "]"), groups[i].lr * lr_factor, want, rtol * want);
  }
}

// Named tensors after the last step, and the L2 norms of all.
void compare_final(CaseReport& report, const GoldenCase& golden, const NamedParameters& parameters,
                   const std::map<std::string, std::string>& reference) {
  std::size_t tensors = 0, norms = 0;
  for (const auto& [ours, parameter] : parameters) {
    const auto& name = reference.at(ours);
    if (golden.has_want("final." + name)) {
      report.compare("final." + name, parameter, golden.want("final." + name), golden.atol("final." + name));
      ++tensors;
    }
    const auto& wanted = golden.json.at("final_l2");
    if (!wanted.contains(name)) continue;
    const auto want = wanted.at(name).get<double>();
    // No tolerance is given for these: that of docs/golden.md's rule for values.
    report.compare("final_l2." + name, parameter.detach().to(torch::kFloat64).norm().item<double>(), want,
                   2e-6 * want + 1e-9);
    ++norms;
  }
  report.require(tensors == golden.expected.size(), "some final tensors were not compared");
  report.require(norms == golden.json.at("final_l2").size(), "some final norms were not compared");
}

}  // namespace

CaseReport check_glscl_train(const GoldenCase& golden) {
  CaseReport report;
  const TrainedModel trained(golden);
  const auto config = trained_optim_config(golden);
  Optimizer optimizer(parameter_groups(trained.parameters, config), config);
  compare_groups(report, golden, *trained.model, optimizer.groups());

  int64_t batches = 0;
  while (golden.inputs.count(concat(batches, ".ids")) != 0) ++batches;
  report.require(golden.inputs.size() == 4 * static_cast<std::size_t>(batches), "some inputs are not used");
  const std::size_t steps = golden.json.at("per_step").at("total").size();
  for (std::size_t step = 0; step < steps; ++step) {
    const double factor = schedule_factor(config, static_cast<double>(step) / golden.config<double>("t_total"));
    compare_rates(report, golden, step, optimizer.groups(), factor);
    const auto batch = static_cast<int64_t>(step) % batches;
    compare_step(report, golden, step, train_step(trained, optimizer, golden, batch, factor));
  }
  compare_final(report, golden, trained.parameters, trained.model->reference_names());
  return report;
}

}  // namespace glint::test
