#include <algorithm>
#include <cmath>

#include "glint/core/error.h"
#include "glint/model/head_cost.h"
#include "glint/report/chart.h"
#include "report/report_facts.h"

namespace glint {
namespace {

using html::element;
using html::foreign;
using html::Markup;

constexpr std::size_t kTrainingPoints = 100;  // of a curve; more steps are averaged

const LogColumn* column_of(const RunRecord& run, const std::string& key) {
  const auto found = run.log.training.find(key);
  return found == run.log.training.end() || found->second.step.empty() ? nullptr : &found->second;
}

// At most kTrainingPoints, each the mean of as many steps.
html::Series averaged(const std::string& name, const LogColumn& column, double factor = 1) {
  html::Series series;
  series.name = name;
  series.has_markers = false;
  const auto n = column.step.size();
  const auto every = (n + kTrainingPoints - 1) / kTrainingPoints;
  for (std::size_t begin = 0; begin < n; begin += every) {
    const auto end = std::min(n, begin + every);
    double step = 0, value = 0;
    for (auto i = begin; i < end; ++i) step += column.step[i], value += column.value[i];
    series.x.push_back(std::round(step / static_cast<double>(end - begin)));
    series.y.push_back(factor * value / static_cast<double>(end - begin));
  }
  return series;
}

double median_of(const LogColumn& column) {
  auto values = column.value;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// One column of every run's log, where they have it.
Markup column_chart(const ReportFacts& facts, const std::string& key, const std::string& title, const html::Axis& y,
                    double factor = 1) {
  html::LineChart chart{title, "Means of neighbouring steps.", {"training step"}, y, {}};
  for (const auto& run : facts.report.runs) {
    if (const auto* column = column_of(run, key)) chart.series.push_back(averaged(run.name, *column, factor));
  }
  return chart.series.empty() ? Markup() : line_chart(chart);
}

Markup loss_chart(const ReportFacts& facts) {
  if (facts.has_several()) return column_chart(facts, "loss", "Loss", {"loss"});
  const auto& run = facts.report.runs.front();
  html::LineChart chart{"Loss and its parts", "Means of neighbouring steps.", {"training step"}, {"loss"}, {}};
  if (const auto* column = column_of(run, "loss")) chart.series.push_back(averaged("loss", *column));
  const auto parts = run.log.loss_parts();
  for (const auto& part : parts) {
    if (parts.size() > 1) chart.series.push_back(averaged(part, *column_of(run, part)));
  }
  return chart.series.empty() ? Markup() : line_chart(chart);
}

// Of several runs each its own: parts have names of their head's.
Markup parts_charts(const ReportFacts& facts) {
  Markup charts;
  for (const auto& run : facts.report.runs) {
    const auto parts = run.log.loss_parts();
    if (!facts.has_several() || parts.size() < 2) continue;
    html::LineChart chart{
        "Parts of the loss, " + run.name, "Means of neighbouring steps.", {"training step"}, {"loss"}, {}};
    for (const auto& part : parts) chart.series.push_back(averaged(part, *column_of(run, part)));
    charts += line_chart(chart);
  }
  return charts;
}

// "step_000350" -> 350.
std::optional<double> selected_step(const RunRecord& run) {
  const auto name = run.results.word("checkpoint");
  const auto digits = name.find_first_of("0123456789");
  if (name.rfind("step_", 0) != 0 || digits == std::string::npos) return std::nullopt;
  return std::atof(name.c_str() + digits);
}

Markup validation_chart(const ReportFacts& facts) {
  html::LineChart chart{"Validation", "R@1 during training, both directions.", {"training step"}, {"R@1, %"}, {}};
  std::vector<std::string> splits;
  for (const auto& run : facts.report.runs) {
    for (const auto& [split, columns] : run.log.evaluations) {
      if (split == run.results.word("split")) continue;  // the test at the end is no curve
      for (const char* direction : {"t2v", "v2t"}) {
        const auto found = columns.find(concat(direction, "/R@1"));
        if (found == columns.end()) continue;
        const auto name = concat(facts.has_several() ? run.name + ", " : "", split, " ", direction);
        chart.series.push_back({name, found->second.step, found->second.value, {}, {}});
      }
    }
  }
  if (!facts.has_several()) {
    if (const auto step = selected_step(facts.report.runs.front()))
      chart.marks.push_back({*step, "evaluated checkpoint"});
  }
  return chart.series.empty() ? Markup() : line_chart(chart);
}

// Parts of a step: the columns seconds/*, their medians.
Markup step_parts(const ReportFacts& facts) {
  html::BarChart chart{"Parts of a training step", "Medians over the steps.", {"milliseconds"}, {}, {}};
  for (const auto& run : facts.report.runs) {
    for (const auto& [key, column] : run.log.training) {
      const auto part = key.rfind("seconds/", 0) == 0 ? key.substr(8) : "";
      if (!part.empty() && std::find(chart.categories.begin(), chart.categories.end(), part) == chart.categories.end())
        chart.categories.push_back(part);
    }
  }
  if (chart.categories.empty()) return {};
  for (const auto& run : facts.report.runs) {
    html::BarSeries series{run.name, {}, {}, {}};
    for (const auto& part : chart.categories) {
      const auto* column = column_of(run, "seconds/" + part);
      series.values.push_back(column != nullptr ? 1000 * median_of(*column) : NAN);
    }
    chart.series.push_back(series);
  }
  return element("div", {{"class", "charts"}}, bar_chart(chart));
}

std::string macs_text(double macs) {
  const std::pair<double, const char*> units[] = {{1e12, " T"}, {1e9, " G"}, {1e6, " M"}, {1e3, " k"}};
  for (const auto& [size, name] : units) {
    if (macs >= size) return concat(html::short_number(macs / size), name);
  }
  return html::short_number(macs);
}

class CostTable {
 public:
  explicit CostTable(const ReportFacts& facts) : facts_(facts) {
    table_.caption = "What the runs cost";
    table_.columns = {{""}};
    for (const auto& name : facts.names()) table_.columns.push_back({name, true});
  }

  template <class OfRun>
  void add(const std::string& what, const OfRun& of_run) {
    std::vector<html::Cell> row = {Markup(what)};
    bool has_any = false;
    for (const auto& run : facts_.report.runs) {
      const std::string text = of_run(run);
      has_any = has_any || !text.empty();
      row.emplace_back(text);
    }
    if (has_any) table_.rows.push_back(std::move(row));
  }
  void add_median(const std::string& what, const std::string& key, double factor = 1, bool is_largest = false) {
    add(what, [&](const RunRecord& run) {
      const auto* column = column_of(run, key);
      if (column == nullptr) return std::string();
      return html::short_number(
          factor * (is_largest ? *std::max_element(column->value.begin(), column->value.end()) : median_of(*column)));
    });
  }
  Markup markup() const {
    return table_.rows.empty() ? words("The runs tell nothing of their cost.") : html::table(table_);
  }

 private:
  const ReportFacts& facts_;
  html::Table table_;
};

void add_macs(CostTable& table) {
  const auto add = [&](const std::string& what, auto&& of_cost) {
    table.add(what, [&](const RunRecord& run) -> std::string {
      if (!run.config) return "";
      const HeadSizes sizes{run.config->video.num_frames, run.config->text.max_words,
                            run.config->model.towers.embed_dim};
      return macs_text(static_cast<double>(of_cost(head_cost(run.config->head, sizes))));
    });
  };
  add("head: multiply-accumulates a text", [](const HeadCost& cost) { return cost.exact.text; });
  add("head: multiply-accumulates a video", [](const HeadCost& cost) { return cost.exact.video; });
  add("head: multiply-accumulates a pair", [](const HeadCost& cost) { return cost.exact.pair; });
  add("the released formula, a pair", [](const HeadCost& cost) { return cost.released.pair; });
}

void add_evaluation(CostTable& table) {
  const auto add = [&](const std::string& what, const std::string& key, double factor) {
    table.add(what, [&](const RunRecord& run) -> std::string {
      const auto found = run.results.numbers.find(key);
      return found == run.results.numbers.end() ? "" : html::short_number(factor * found->second);
    });
  };
  add("evaluation: encoding all texts and videos, s", "encode_s", 1);
  add("evaluation: scoring all pairs, ms", "score_s", 1000);
}

}  // namespace

Markup training_section(const ReportFacts& facts) {
  Markup section;
  for (const auto& run : facts.report.runs) {
    if (run.log.training.empty())
      section += words(foreign(run.name) + " has no training log (metrics.jsonl) beside its evaluation.");
  }
  auto charts = loss_chart(facts) + validation_chart(facts) + parts_charts(facts);
  charts += column_chart(facts, "lr", "Learning rate of the new layers", {"rate"});
  charts += column_chart(facts, "grad_norm", "Gradient norm before clipping", {"norm", true});
  charts += column_chart(facts, "data_wait", "Waiting for data", {"% of the step", false, 0.0}, 100);
  charts += column_chart(facts, "logit_scale", "Logit scale", {"factor of the scores"});
  charts += column_chart(facts, "samples_per_s", "Speed", {"pairs a second", false, 0.0});
  return section + element("div", {{"class", "charts"}}, charts);
}

Markup cost_section(const ReportFacts& facts) {
  CostTable table(facts);
  add_macs(table);
  add_evaluation(table);
  table.add_median("training: pairs a second (median)", "samples_per_s");
  table.add_median("training: towers, GFLOP/s (median)", "tower_gflops");
  table.add_median("training: share of the machine's peak, %", "share_of_peak", 100);
  table.add_median("training: peak memory, MB", "peak_mb", 1, true);
  table.add_median("training: peak memory of the GPU, MB", "gpu_peak_mb", 1, true);
  table.add("training steps",
            [](const RunRecord& run) { return run.log.steps > 0 ? html::with_commas(run.log.steps) : ""; });
  return table.markup() + step_parts(facts) +
         element(
             "p", {{"class", "soft"}},
             "Times are of the machines that made the runs: compare them only where that was the same one. "
             "Multiply-accumulates "
             "are counted from the head's formula, for one text, one video, one pair; the towers' are not in them.");
}

}  // namespace glint
