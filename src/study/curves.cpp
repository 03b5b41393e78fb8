#include "study/curves.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "glint/core/files.h"
#include "glint/core/text_file.h"

// What trainings tell of themselves: curves, time, losses.
namespace glint::study {
namespace {

constexpr double kShares[] = {0.90, 0.95, 0.99};
constexpr double kCommonShare = 0.95;  // of the lowest of the arms' final scores
const std::string kNormPrefix = "loss_grad_norm/";

std::optional<double> number(const nlohmann::json& line, const std::string& key) {
  const auto found = line.find(key);
  if (found == line.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

using ArmKey = std::pair<std::size_t, std::string>;  // arm, value

// Cells by arm and value, in the study's order.
std::vector<std::pair<ArmKey, std::vector<const Cell*>>> by_arm(const std::vector<Cell>& cells) {
  std::vector<std::pair<ArmKey, std::vector<const Cell*>>> groups;
  for (const auto& cell : cells) {
    const ArmKey key = {cell.arm, cell.value};
    const auto is_same = [&](const auto& group) { return group.first == key; };
    auto found = std::find_if(groups.begin(), groups.end(), is_same);
    if (found == groups.end()) found = groups.insert(groups.end(), {key, {}});
    found->second.push_back(&cell);
  }
  return groups;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct Trained {
  const Cell* cell;
  TrainingLog log;
};

// Linear between validations, constant behind the last: another arm may have seen more.
double score_at(const LearningCurve& curve, double samples) {
  const auto next = std::lower_bound(curve.begin(), curve.end(), samples,
                                     [](const auto& point, double x) { return point.first < x; });
  if (next == curve.end()) return curve.back().second;
  if (next == curve.begin() || next->first == samples) return next->second;
  const auto& before = *(next - 1);
  return before.second + (next->second - before.second) * (samples - before.first) / (next->first - before.first);
}

LearningCurve curve_of(const Trained& trained) {
  LearningCurve curve;
  const auto batch = static_cast<double>(trained.cell->config.train.batch_size);
  for (const auto& point : trained.log.validations) curve.emplace_back(point.step * batch, point.score);
  return curve;
}

// The first validation that has the target.
std::optional<double> first_step(const TrainingLog& log, double target) {
  for (const auto& point : log.validations) {
    if (point.score >= target) return point.step;
  }
  return std::nullopt;
}

double seconds_until(const TrainingLog& log, double step) {
  double seconds = 0;
  for (const auto& one : log.steps) {
    if (one.step <= step) seconds += one.seconds;
  }
  return seconds;
}

void add_reach(ArmConvergence::Reach& reach, const Trained& trained, double target) {
  const auto step = first_step(trained.log, target);
  reach.steps.push_back(step);
  reach.samples.emplace_back();
  reach.seconds.emplace_back();
  if (!step) return;
  reach.samples.back() = *step * static_cast<double>(trained.cell->config.train.batch_size);
  reach.seconds.back() = seconds_until(trained.log, *step);
}

double mean_height(const LearningCurve& curve) {
  if (curve.size() < 2) return curve.empty() ? 0 : curve.front().second;
  double area = 0;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    area += (curve[i].first - curve[i - 1].first) * (curve[i].second + curve[i - 1].second) / 2;
  }
  return area / (curve.back().first - curve.front().first);
}

std::string percent_text(double share) {
  return std::to_string(static_cast<int>(std::lround(100 * share))) + " %";
}

}  // namespace

TrainingLog read_training_log(const Cell& cell, const std::string& metric) {
  TrainingLog log;
  const auto file = cell.folder / "metrics.jsonl";
  if (!files::exists(file)) return log;
  const auto batch = static_cast<double>(cell.config.train.batch_size);
  for_each_line(read_text(file), [&](std::string_view text, int64_t) {
    const auto line = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!line.is_object()) return;
    const auto step = number(line, "step");
    if (!step) return;
    if (line.contains("split")) {
      if (const auto score = number(line, metric)) log.validations.push_back({*step, *score});
      return;
    }
    const auto rate = number(line, "samples_per_s");
    TrainingLog::Step one{.step = *step, .seconds = 0, .waited_s = 0, .loss_norms = {}};
    if (rate && *rate > 0) one.seconds = batch / *rate;
    one.waited_s = one.seconds * number(line, "data_wait").value_or(0);
    one.seconds -= number(line, "seconds/loss gradients").value_or(0);  // a measurement, no part of the training
    for (const auto& [key, value] : line.items()) {
      if (key.starts_with(kNormPrefix) && value.is_number())
        one.loss_norms.emplace_back(key.substr(kNormPrefix.size()), value.get<double>());
    }
    log.steps.push_back(std::move(one));
  });
  return log;
}

Convergences measure_convergence(const Study& study, const std::vector<Cell>& trained) {
  Convergences result;
  std::vector<std::pair<ArmKey, std::vector<Trained>>> groups;
  LearningCurve coarsest;
  for (const auto& [key, cells] : by_arm(trained)) {
    std::vector<Trained> logs;
    for (const auto* cell : cells) {
      Trained one = {cell, read_training_log(*cell, study.metric)};
      if (one.log.validations.empty()) continue;
      const auto curve = curve_of(one);
      if (coarsest.empty() || curve.size() < coarsest.size()) coarsest = curve;
      logs.push_back(std::move(one));
    }
    if (!logs.empty()) groups.emplace_back(key, std::move(logs));
  }
  if (groups.empty()) return result;
  double lowest = std::numeric_limits<double>::infinity();
  for (const auto& [key, logs] : groups) {
    double sum = 0;
    for (const auto& one : logs) sum += one.log.validations.back().score;
    lowest = std::min(lowest, sum / static_cast<double>(logs.size()));
  }
  result.common_target = kCommonShare * lowest;
  for (const auto& [key, logs] : groups) {
    ArmConvergence arm{.arm = study.arms[key.first].name,
                       .value = key.second,
                       .curves = {},
                       .reaches = {},
                       .area = {},
                       .data_wait = {}};
    for (const double share : kShares) arm.reaches.push_back({percent_text(share), {}, {}, {}});
    arm.reaches.push_back({"common", {}, {}, {}});
    for (const auto& one : logs) {
      const auto own = curve_of(one);
      LearningCurve on_grid;
      for (const auto& [samples, unused] : coarsest) on_grid.emplace_back(samples, score_at(own, samples));
      arm.area.values.push_back(mean_height(on_grid));
      arm.curves.push_back(std::move(on_grid));
      const double last = one.log.validations.back().score;
      for (std::size_t i = 0; i < std::size(kShares); ++i) add_reach(arm.reaches[i], one, kShares[i] * last);
      add_reach(arm.reaches.back(), one, result.common_target);
      double seconds = 0, waited = 0;
      for (const auto& step : one.log.steps) {
        seconds += step.seconds;
        waited += step.waited_s;
      }
      if (seconds > 0) arm.data_wait.values.push_back(waited / seconds);
    }
    result.arms.push_back(std::move(arm));
  }
  return result;
}

std::vector<ArmCost> measure_costs(const Study& study, const std::vector<Cell>& trained) {
  std::vector<ArmCost> costs;
  for (const auto& [key, cells] : by_arm(trained)) {
    ArmCost cost{.arm = study.arms[key.first].name, .value = key.second};
    std::vector<double> work_ms, rates;
    for (const auto* cell : cells) {
      const auto log = read_training_log(*cell, study.metric);
      for (const auto& step : log.steps) {
        if (step.seconds <= 0) continue;
        work_ms.push_back(1000 * (step.seconds - step.waited_s));
        rates.push_back(static_cast<double>(cell->config.train.batch_size) / step.seconds);
      }
      cost.steps = std::max(cost.steps, static_cast<std::int64_t>(log.steps.size()));
    }
    if (work_ms.empty()) continue;
    cost.step_ms = median(work_ms);
    cost.samples_per_s = median(rates);
    costs.push_back(cost);
  }
  return costs;
}

std::vector<ArmLossShares> measure_loss_shares(const Study& study, const std::vector<Cell>& trained) {
  std::vector<ArmLossShares> all;
  for (const auto& [key, cells] : by_arm(trained)) {
    std::vector<std::pair<std::string, double>> sums;
    double steps = 0;
    for (const auto* cell : cells) {
      for (const auto& step : read_training_log(*cell, study.metric).steps) {
        double norms = 0;
        for (const auto& [part, norm] : step.loss_norms) norms += norm;
        if (norms <= 0) continue;
        ++steps;
        for (const auto& [part, norm] : step.loss_norms) {
          const auto is_part = [&, name = part](const auto& sum) { return sum.first == name; };
          auto found = std::find_if(sums.begin(), sums.end(), is_part);
          if (found == sums.end()) found = sums.insert(sums.end(), {part, 0});
          found->second += norm / norms;
        }
      }
    }
    if (steps == 0) continue;
    for (auto& [part, sum] : sums) sum /= steps;
    std::stable_partition(sums.begin(), sums.end(), [](const auto& sum) { return sum.first == "nce"; });
    all.push_back({study.arms[key.first].name, key.second, sums});
  }
  return all;
}

}  // namespace glint::study
