#include "study/tables.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "glint/config/config_file.h"
#include "glint/core/error.h"
#include "study/answers.h"

namespace glint::study {
namespace {

using Row = std::vector<std::string>;

std::string mean_and_sd(const OverSeeds& numbers, int digits) {
  if (numbers.values.empty()) return "";
  const auto sd = numbers.sd();
  return fixed(numbers.mean(), digits) + (sd ? " ± " + fixed(*sd, digits) : "");
}

const OverSeeds* find_metric(const ArmTable& table, const std::string& arm, const std::string& metric) {
  const auto of_arm = table.metrics.find(arm);
  if (of_arm == table.metrics.end()) return nullptr;
  const auto found = of_arm->second.find(metric);
  return found == of_arm->second.end() ? nullptr : &found->second;
}

const MetricComparison* find_comparison(const ArmTable& table, const std::string& arm, const std::string& metric) {
  for (const auto& comparison : table.comparison.comparisons) {
    if (comparison.arm != arm) continue;
    for (const auto& one : comparison.metrics) {
      if (one.metric == metric) return &one;
    }
  }
  return nullptr;
}

std::string table_place(const ArmTable& table) {
  std::string place;
  if (!table.set.empty()) place += ", evaluated on " + table.set;
  if (!table.value.empty()) place += ", " + table.value;
  return place;
}

int metric_digits(const std::string& metric) {
  return metric.find("MRR") != std::string::npos || metric.find("nDCG") != std::string::npos ? 4 : 1;
}

ReportTable accuracy_table(const StudyReport& report, const ArmTable& table) {
  const auto& metric = report.study.metric;
  const int digits = metric_digits(metric);
  ReportTable out{"Accuracy" + table_place(table),
                  {"arm", "seeds", metric, "difference", "95 % interval", "p", "p (Holm)"},
                  {},
                  {}};
  const std::vector<std::string> others = {"t2v/R@1", "t2v/R@5", "t2v/R@10", "t2v/MdR", "t2v/MnR",
                                           "v2t/R@1", "v2t/R@5", "v2t/R@10", "v2t/MdR", "v2t/MnR"};
  for (const auto& name : others) {
    if (name != metric) out.columns.push_back(name);
  }
  for (const auto& arm : table.comparison.arms) {
    Row row = {arm.name, std::to_string(arm.runs.size())};
    const auto* own = find_metric(table, arm.name, metric);
    const auto* compared = find_comparison(table, arm.name, metric);
    if (own != nullptr) {
      row.push_back(mean_and_sd(*own, digits));
    } else {
      row.push_back(compared != nullptr ? fixed(compared->arm, digits) : "");
    }
    if (compared != nullptr) {
      row.insert(row.end(), {signed_text(compared->difference, digits),
                             signed_text(compared->low, digits) + " to " + signed_text(compared->high, digits),
                             p_value_text(compared->p), p_value_text(compared->adjusted_p)});
    } else {
      row.insert(row.end(), {arm.name == report.study.baseline().name ? "baseline" : "", "", "", ""});
    }
    for (const auto& name : others) {
      if (name == metric) continue;
      const auto* numbers = find_metric(table, arm.name, name);
      row.push_back(numbers != nullptr ? mean_and_sd(*numbers, 1) : "");
    }
    out.rows.push_back(std::move(row));
  }
  for (const auto& comparison : table.comparison.comparisons) {
    const auto* one = find_comparison(table, comparison.arm, metric);
    if (one == nullptr || !one->smallest_significant) continue;
    out.notes.push_back(concat(comparison.arm, ": with ", one->queries,
                               " queries and these seeds the smallest "
                               "significant difference in ",
                               metric, " is ", fixed(*one->smallest_significant, digits),
                               one->found_in_80 ? concat("; a true difference of ", fixed(*one->found_in_80, digits),
                                                         " is found in 80 of 100 cases")
                                                : std::string(),
                               " (", one->test, ")."));
  }
  for (const auto& arm : table.comparison.arms) {
    if (&arm == &table.comparison.arms.front())
      out.notes.push_back("Evaluated as " + to_text(arm.runs.front().signature) + ".");
  }
  return out;
}

// The metric by arm and by what `column_of` says of a table.
ReportTable overview(const StudyReport& report, const std::string& title, const std::vector<const ArmTable*>& tables,
                     std::string (*column_of)(const ArmTable&)) {
  ReportTable out{title, {"arm"}, {}, {"Mean and standard deviation over seeds."}};
  for (const auto* table : tables) out.columns.push_back(column_of(*table));
  for (const auto& arm : report.study.arms) {
    Row row = {arm.name};
    bool is_known = false;
    for (const auto* table : tables) {
      const auto* numbers = find_metric(*table, arm.name, report.study.metric);
      row.push_back(numbers != nullptr ? mean_and_sd(*numbers, metric_digits(report.study.metric)) : "");
      is_known = is_known || numbers != nullptr;
    }
    if (is_known) out.rows.push_back(std::move(row));
  }
  return out;
}

std::string arm_and_value(const std::string& arm, const std::string& value) {
  return value.empty() ? arm : arm + ", " + value;
}

// "1,280 ± 90 (2 of 3)": of the seeds that reached it.
std::string reach_text(const std::vector<std::optional<double>>& numbers) {
  OverSeeds reached;
  for (const auto& number : numbers) {
    if (number) reached.values.push_back(*number);
  }
  if (reached.values.empty()) return "not reached";
  auto text = mean_and_sd(reached, 0);
  if (reached.values.size() < numbers.size()) text += concat(" (", reached.values.size(), " of ", numbers.size(), ")");
  return text;
}

std::string words_text(const SettingWords& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

std::vector<ReportTable> accuracy_tables(const StudyReport& report) {
  std::vector<ReportTable> tables;
  for (const auto& table : report.tables) tables.push_back(accuracy_table(report, table));
  return tables;
}

std::vector<ReportTable> overview_tables(const StudyReport& report) {
  std::vector<ReportTable> tables;
  std::vector<const ArmTable*> own, base;
  std::string first_value;
  for (const auto& table : report.tables) {
    if (table.set.empty()) own.push_back(&table);
  }
  if (!own.empty()) first_value = own.front()->value;
  for (const auto& table : report.tables) {
    if (table.value == first_value) base.push_back(&table);
  }
  if (own.size() > 1) {
    tables.push_back(
        overview(report, report.study.metric + " by value", own, [](const ArmTable& t) { return t.value; }));
  }
  if (base.size() > 1) {
    tables.push_back(overview(report, report.study.metric + " of the same weights on other data sets, without training",
                              base,
                              [](const ArmTable& t) { return t.set.empty() ? std::string("own test split") : t.set; }));
  }
  return tables;
}

std::vector<ReportTable> convergence_tables(const StudyReport& report) {
  if (report.convergence.empty()) return {};
  ReportTable height{"Learning curves",
                     {"arm", "seeds", "mean height of the curve", "wait for data"},
                     {},
                     {concat("Validations of ", report.study.metric,
                             " at the pairs seen that all arms share; the mean height is the area under the curve over "
                             "its width.")}};
  ReportTable reach{
      "Training until a target is reached",
      {"arm", "target", "pairs seen", "steps", "seconds"},
      {},
      {concat("A target is a share of the own final score, or 95 % of the lowest final mean of all arms (",
              fixed(report.common_target, 1),
              "). Seconds are of training, without validations. Mean and standard deviation over the "
              "seeds that reached it.")}};
  for (const auto& arm : report.convergence) {
    OverSeeds wait = arm.data_wait;
    for (auto& value : wait.values) value *= 100;
    height.rows.push_back({arm_and_value(arm.arm, arm.value), std::to_string(arm.area.values.size()),
                           mean_and_sd(arm.area, 1), wait.values.empty() ? "" : mean_and_sd(wait, 1) + " %"});
    for (const auto& one : arm.reaches) {
      reach.rows.push_back({arm_and_value(arm.arm, arm.value), one.target == "common" ? "common target" : one.target,
                            reach_text(one.samples), reach_text(one.steps), reach_text(one.seconds)});
    }
  }
  return {height, reach};
}

std::vector<ReportTable> cost_tables(const StudyReport& report) {
  if (report.costs.empty()) return {};
  ReportTable table{"Cost of training",
                    {"arm", "steps", "step, ms", "pairs a second"},
                    {},
                    {"Medians over all steps of the cells as they were trained; the step is without waiting for data. "
                     "Cells that ran beside other work are slower for it."}};
  for (const auto& cost : report.costs) {
    table.rows.push_back({arm_and_value(cost.arm, cost.value), std::to_string(cost.steps), fixed(cost.step_ms, 1),
                          fixed(cost.samples_per_s, 1)});
  }
  return {table};
}

std::vector<ReportTable> loss_tables(const StudyReport& report) {
  if (report.loss_shares.empty()) return {};
  ReportTable table{"Share of each loss in the gradient",
                    {"arm"},
                    {},
                    {"Norm of the gradient of a weighted loss with respect to the trained parameters over the sum of "
                     "all losses' norms, in the mean over the sampled steps and seeds."}};
  for (const auto& arm : report.loss_shares) {
    for (const auto& [part, share] : arm.shares) {
      if (std::find(table.columns.begin() + 1, table.columns.end(), part) == table.columns.end())
        table.columns.push_back(part);
    }
  }
  for (const auto& arm : report.loss_shares) {
    Row row = {arm_and_value(arm.arm, arm.value)};
    for (std::size_t c = 1; c < table.columns.size(); ++c) {
      const auto found = std::find_if(arm.shares.begin(), arm.shares.end(),
                                      [&](const auto& share) { return share.first == table.columns[c]; });
      row.push_back(found == arm.shares.end() ? "" : fixed(100 * found->second, 2) + " %");
    }
    table.rows.push_back(std::move(row));
  }
  return {table};
}

std::vector<ReportTable> cell_tables(const StudyReport& report) {
  ReportTable open{"Cells that are not done", {"cell", "state", "what is known"}, {}, {}, true};
  for (const auto& [cell, status] : report.cells) {
    if (status.state != CellState::kDone)
      open.rows.push_back({cell_text(report.study, cell), to_text(status.state), status.note});
  }
  ReportTable arms{"Settings of the arms", {"arm", "settings file", "settings that differ"}, {}, {}, true};
  if (!report.study.settings.empty()) arms.notes.push_back("All arms: " + words_text(report.study.settings) + ".");
  for (const auto& arm : report.study.arms)
    arms.rows.push_back({arm.name, arm.base.string(), words_text(arm.settings)});
  ReportTable commands{"To repeat it", {"command"}, {}, {}, true};
  commands.rows.push_back({"glint study work " + report.study.file.string()});
  commands.rows.push_back({"glint study report " + report.study.file.string()});
  if (!report.cells.empty()) {
    const auto& cell = report.cells.front().first;
    commands.rows.push_back({"glint train " + cell.base.string() + " " + words_text(cell.words)});
    commands.notes.push_back("The last line is the first cell by hand; each cell's words are in glint study plan " +
                             report.study.file.string() + " --json.");
  }
  std::vector<ReportTable> tables;
  if (!open.rows.empty()) tables.push_back(open);
  tables.push_back(arms);
  tables.push_back(commands);
  return tables;
}

std::string state_sentence(const StudyReport& report) {
  std::map<CellState, int> counts;
  for (const auto& [cell, status] : report.cells) ++counts[status.state];
  auto text = concat(counts[CellState::kDone], " of ", report.cells.size(), " cells are done");
  for (const auto state : {CellState::kRunning, CellState::kFailed, CellState::kMissing}) {
    if (counts[state] > 0) text += concat(", ", counts[state], " ", to_text(state));
  }
  return text + ".";
}

}  // namespace glint::study
