#include "parity/train_steps.h"

#include <torch/torch.h>

#include <array>
#include <filesystem>
#include <set>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "parity/case_settings.h"

namespace glint::test {
namespace {

constexpr std::array kNumbers = {"total", "L_nce", "L_IDL", "L_ICL", "grad_norm", "logit_scale"};

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

void compare_step(CaseReport& report, const GoldenCase& golden, std::size_t step, const StepNumbers& numbers,
                  double slack) {
  for (const auto* name : kNumbers) {
    report.compare(concat(name, "[", step, "]"), numbers.at(name),
                   golden.json.at("per_step").at(name).at(step).get<double>(),
                   slack * golden.json.at("per_step_atol").at(name).get<double>());
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
                   const std::map<std::string, std::string>& reference, double slack) {
  std::size_t tensors = 0, norms = 0;
  for (const auto& [ours, parameter] : parameters) {
    const auto& name = reference.at(ours);
    if (golden.has_want("final." + name)) {
      report.compare("final." + name, parameter, golden.want("final." + name), slack * golden.atol("final." + name));
      ++tensors;
    }
    const auto& wanted = golden.json.at("final_l2");
    if (!wanted.contains(name)) continue;
    const auto want = wanted.at(name).get<double>();
    // No tolerance is given for these: that of docs/golden.md's rule for values.
    report.compare("final_l2." + name, parameter.detach().to(torch::kFloat64).norm().item<double>(), want,
                   slack * (2e-6 * want + 1e-9));
    ++norms;
  }
  report.require(tensors == golden.expected.size(), "some final tensors were not compared");
  report.require(norms == golden.json.at("final_l2").size(), "some final norms were not compared");
}

}  // namespace

OptimConfig trained_optim_config(const GoldenCase& golden) {
  auto config = bertadam_config(golden);
  config.grad_clip = golden.config<double>("global_grad_clip");
  return config;
}

std::unique_ptr<RetrievalModel> trained_model(const GoldenCase& golden) {
  auto model = glscl_model(golden, glscl_config(golden));
  const torch::NoGradGuard no_grad;
  model->clip().logit_scale.fill_(golden.config<double>("logit_scale_start"));
  return model;
}

NamedParameters named_parameters(const RetrievalModel& model) {
  NamedParameters parameters;
  for (const auto& item : model.named_parameters()) parameters.emplace_back(item.key(), item.value());
  return parameters;
}

std::string part_name(const std::string& ours) {
  static const std::map<std::string, std::string> kNames = {{"nce", "L_nce"}, {"idl", "L_IDL"}, {"icl", "L_ICL"}};
  return kNames.at(ours);
}

CaseReport follow_steps(const GoldenCase& golden, const RetrievalModel& model,
                        const std::vector<ParameterGroup>& groups,
                        const std::function<StepNumbers(int64_t batch, double lr_factor)>& step,
                        const StepSlack& slack) {
  CaseReport report;
  compare_groups(report, golden, model, groups);
  int64_t batches = 0;
  while (golden.inputs.count(concat(batches, ".ids")) != 0) ++batches;
  report.require(golden.inputs.size() == 4 * static_cast<std::size_t>(batches), "some inputs are not used");
  const auto config = trained_optim_config(golden);
  const std::size_t steps = golden.json.at("per_step").at("total").size();
  for (std::size_t i = 0; i < steps; ++i) {
    const double factor = schedule_factor(config, static_cast<double>(i) / golden.config<double>("t_total"));
    compare_rates(report, golden, i, groups, factor);
    compare_step(report, golden, i, step(static_cast<int64_t>(i) % batches, factor), slack.numbers);
  }
  compare_final(report, golden, named_parameters(model), model.reference_names(), slack.weights);
  return report;
}

}  // namespace glint::test
