#include "glint/study/study_report.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <numeric>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/json.h"
#include "study/answers.h"
#include "study/curves.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMetrics[] = {"R@1", "R@5", "R@10", "MdR", "MnR"};

// Finished cells by (value, set): where their evaluations lie.
struct Finished {
  const Cell* cell;
  fs::path folder;
};

std::vector<std::string> values_in_order(const std::vector<Cell>& cells) {
  std::vector<std::string> values;
  for (const auto& cell : cells) {
    if (std::find(values.begin(), values.end(), cell.value) == values.end()) values.push_back(cell.value);
  }
  return values;
}

bool has_ranks(const fs::path& folder) {
  return files::exists(folder / "results.json") && files::exists(folder / "ranks.safetensors");
}

void add_metrics(ArmTable& table, const std::string& arm, const fs::path& folder) {
  const auto file = folder / "results.json";
  const auto results = parse_json_object(read_file(file, std::size_t{1} << 28), file.string());
  for (const char* direction : {"t2v", "v2t"}) {
    const auto numbers = results.find(direction);
    if (numbers == results.end() || !numbers->is_object()) continue;
    for (const char* metric : kMetrics) {
      const auto value = numbers->find(metric);
      if (value != numbers->end() && value->is_number())
        table.metrics[arm][concat(direction, "/", metric)].values.push_back(value->get<double>());
    }
  }
}

ArmTable make_table(const Study& study, const std::vector<Finished>& finished, const ComparisonOptions& options) {
  ArmTable table;
  auto& comparison = table.comparison;
  comparison.options = options;
  for (std::size_t arm = 0; arm < study.arms.size(); ++arm) {
    ComparedArm compared{study.arms[arm].name, {}};
    for (const auto& one : finished) {
      if (one.cell->arm != arm) continue;
      compared.runs.push_back(read_compared_run(one.folder));
      add_metrics(table, compared.name, one.folder);
    }
    if (!compared.runs.empty()) comparison.arms.push_back(std::move(compared));
  }
  const bool has_baseline = !comparison.arms.empty() && comparison.arms.front().name == study.baseline().name;
  if (has_baseline && comparison.arms.size() > 1)
    comparison.comparisons = compare_arms(comparison.arms, 0, comparison.options);
  return table;
}

void add_tables(StudyReport& report, const std::vector<Cell>& cells, const ComparisonOptions& options) {
  std::vector<StudyTransfer> sets = {{"", {}}};
  sets.insert(sets.end(), report.study.evaluate_on.begin(), report.study.evaluate_on.end());
  for (const auto& set : sets) {
    for (const auto& value : values_in_order(cells)) {
      std::vector<Finished> finished;
      for (const auto& cell : cells) {
        if (cell.value != value) continue;
        const auto folder = set.name.empty() ? own_evaluation(cell) : transfer_folder(cell, set);
        if (has_ranks(folder)) finished.push_back({&cell, folder});
      }
      if (finished.empty()) continue;
      auto table = make_table(report.study, finished, options);
      table.value = value;
      table.set = set.name;
      report.tables.push_back(std::move(table));
    }
  }
}

}  // namespace

double OverSeeds::mean() const {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::optional<double> OverSeeds::sd() const {
  if (values.size() < 2) return std::nullopt;
  const double middle = mean();
  double sum = 0;
  for (const double value : values) sum += (value - middle) * (value - middle);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

StudyReport make_study_report(const Study& study, const ComparisonOptions& asked) {
  StudyReport report;
  report.study = study;
  const auto cells = cells_of(study);
  std::vector<Cell> trained;
  for (const auto& cell : cells) {
    report.cells.emplace_back(cell, look_at_cell(study, cell));
    if (is_trained(cell)) trained.push_back(cell);
  }
  auto options = asked;
  if (options.metrics.empty()) {
    options.metrics = {"t2v/R@1", "t2v/R@5", "t2v/R@10", "t2v/MnR", "v2t/R@1", "v2t/R@5", "v2t/R@10", "v2t/MnR"};
    if (std::find(options.metrics.begin(), options.metrics.end(), study.metric) == options.metrics.end())
      options.metrics.insert(options.metrics.begin(), study.metric);
  }
  add_tables(report, trained, options);
  if (study.measure.contains(StudyMeasure::kConvergence)) {
    auto convergence = study::measure_convergence(study, trained);
    report.common_target = convergence.common_target;
    report.convergence = std::move(convergence.arms);
  }
  if (study.measure.contains(StudyMeasure::kCost)) report.costs = study::measure_costs(study, trained);
  report.loss_shares = study::measure_loss_shares(study, trained);
  report.answers = study::answers(report);
  return report;
}

NeededData needed_data(double difference, double variance_of_queries, std::int64_t queries, double variance_of_seeds,
                       std::int64_t seeds) {
  constexpr double kFoundIn80 = 1.959964 + 0.841621;
  const double wanted = (difference / kFoundIn80) * (difference / kFoundIn80);
  const auto times = [](double factor, std::int64_t count) -> std::optional<std::int64_t> {
    const double needed = std::ceil(factor * static_cast<double>(count));
    if (!(factor > 0) || !(needed < 1e9)) return std::nullopt;
    return std::max<std::int64_t>(count, static_cast<std::int64_t>(needed));
  };
  NeededData needed;
  if (wanted > variance_of_seeds) needed.queries = times(variance_of_queries / (wanted - variance_of_seeds), queries);
  if (wanted > variance_of_queries) needed.seeds = times(variance_of_seeds / (wanted - variance_of_queries), seeds);
  return needed;
}

}  // namespace glint
