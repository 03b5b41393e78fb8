#include <torch/torch.h>

#include <cmath>

#include "glint/core/error.h"
#include "glint/optim/optimizer.h"
#include "parity/case_settings.h"
#include "parity/parity.h"

namespace glint::test {
namespace {

constexpr double kRateTolerance = 1e-12;  // rates and factors are computed in doubles on both sides
const double kLogitScaleLimit = std::log(100.0);

// Runs the case's steps; `is_loop` adds what the training loop does around a step. -> history and moments under
// `prefix`
TensorMap run(const GoldenCase& golden, const std::string& prefix, bool is_loop, CaseReport& report) {
  const auto config = bertadam_config(golden);
  const std::string start = "start.";
  NamedParameters parameters;
  for (const auto& [name, value] : golden.inputs) {
    if (name.rfind(start, 0) == 0) parameters.emplace_back(name.substr(start.size()), value.clone().requires_grad_());
  }
  Optimizer optimizer(parameter_groups(parameters, config), config);
  std::map<std::string, std::vector<torch::Tensor>> history;
  for (int64_t step = 0; step < golden.config<int64_t>("steps"); ++step) {
    optimizer.zero_grad();
    for (auto& [name, parameter] : parameters) {
      const bool is_frozen = !golden.has_want("plain.m." + name);  // never had a gradient, so has no moments
      if (!is_frozen) parameter.mutable_grad() = golden.input("grad." + name)[step].clone();
    }
    if (is_loop) clip_global_norm(parameters, 1.0);
    const double factor = schedule_factor(config, static_cast<double>(step) / golden.config<double>("t_total"));
    for (std::size_t i = 0; i < optimizer.groups().size(); ++i) {
      report.compare(concat("lr[", step, "][", i, "]"), optimizer.groups()[i].lr * factor,
                     golden.json.at("lr").at(step).at(i).get<double>(), kRateTolerance);
    }
    optimizer.step(factor);
    for (auto& [name, parameter] : parameters) {
      if (is_loop && name == "clip.logit_scale") parameter.detach().clamp_max_(kLogitScaleLimit);
      history[name].push_back(parameter.detach().clone());
    }
  }
  TensorMap results;
  for (const auto& [name, values] : history) results[prefix + name] = torch::stack(values);
  for (const auto& [name, moment] : optimizer.state()) {
    if (name.size() < 2 || name[name.size() - 2] != '.') continue;  // "step"
    results[prefix + name.back() + "." + name.substr(0, name.size() - 2)] = moment;
  }
  return results;
}

}  // namespace

CaseReport check_bertadam(const GoldenCase& golden) {
  CaseReport report;
  auto results = run(golden, "plain.", /*is_loop=*/false, report);
  results.merge(run(golden, "global.", /*is_loop=*/true, report));
  for (const auto& [name, want] : golden.expected) {
    report.require(results.count(name) != 0, concat("the check does not compute ", name));
    if (results.count(name) != 0) report.compare(name, results.at(name), want, golden.atol(name));
  }
  auto config = bertadam_config(golden);
  for (const auto& [schedule, values] : golden.json.at("schedule_values").items()) {
    config.schedule = schedule;
    for (const auto& value : values) {
      const double x = value.at(0).get<double>();
      report.compare(concat(schedule, "(", x, ")"), schedule_factor(config, x), value.at(1).get<double>(),
                     kRateTolerance);
    }
  }
  return report;
}

}  // namespace glint::test
