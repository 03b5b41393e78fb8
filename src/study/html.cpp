#include <algorithm>
#include <map>

#include "glint/core/error.h"
#include "glint/report/chart.h"
#include "glint/report/html.h"
#include "glint/report/page.h"
#include "glint/report/table.h"
#include "glint/study/study_report.h"
#include "study/answers.h"
#include "study/examples.h"
#include "study/tables.h"

// A study's report as a page.
namespace glint {
namespace {

using html::Markup;

Markup paragraph(const std::string& text) {
  return html::element("p", html::foreign(text));
}

Markup page_table(const study::ReportTable& given) {
  html::Table table{.caption = given.title, .columns = {}, .rows = {}};
  for (const auto& column : given.columns)
    table.columns.push_back({column, !given.is_all_text && !table.columns.empty()});
  for (const auto& row : given.rows) table.rows.emplace_back(row.begin(), row.end());
  auto content = html::table(table);
  for (const auto& note : given.notes) content += paragraph(note);
  return content;
}

Markup page_tables(const std::vector<study::ReportTable>& tables) {
  Markup content;
  for (const auto& table : tables) content += page_table(table);
  return content;
}

std::string place_title(const ArmTable& table) {
  auto title = table.set.empty() ? std::string("own test split") : "on " + table.set;
  return table.value.empty() ? title : title + ", " + table.value;
}

// Every arm's difference to the baseline with its interval.
Markup difference_charts(const StudyReport& report) {
  Markup content;
  for (const auto& table : report.tables) {
    if (table.comparison.comparisons.empty()) continue;
    html::IntervalChart chart{.title = "Difference to " + table.comparison.base().name + ", " + place_title(table),
                              .description =
                                  "Points right of zero are above the baseline; a line that crosses zero is "
                                  "no significant difference before adjustment.",
                              .x = {report.study.metric + ", difference"},
                              .rows = {},
                              .reference = 0};
    for (const auto& arm : table.comparison.comparisons) {
      for (const auto& metric : arm.metrics) {
        if (metric.metric == report.study.metric)
          chart.rows.push_back({arm.arm, metric.difference, metric.low, metric.high});
      }
    }
    if (!chart.rows.empty()) content += html::interval_chart(chart);
  }
  return content;
}

// Mean over seeds, with the seeds' range as a band.
html::Series curve_series(const ArmConvergence& arm) {
  html::Series series{
      .name = arm.value.empty() ? arm.arm : arm.arm + ", " + arm.value, .x = {}, .y = {}, .low = {}, .high = {}};
  for (std::size_t i = 0; i < arm.curves.front().size(); ++i) {
    double sum = 0, low = arm.curves.front()[i].second, high = low;
    for (const auto& curve : arm.curves) {
      sum += curve[i].second;
      low = std::min(low, curve[i].second);
      high = std::max(high, curve[i].second);
    }
    series.x.push_back(arm.curves.front()[i].first);
    series.y.push_back(sum / static_cast<double>(arm.curves.size()));
    if (arm.curves.size() > 1) {
      series.low.push_back(low);
      series.high.push_back(high);
    }
  }
  return series;
}

Markup convergence_chart(const StudyReport& report) {
  if (report.convergence.empty()) return {};
  html::LineChart chart{.title = "Learning curves",
                        .description =
                            "Validation score against pairs seen: the mean over seeds, the band from the "
                            "lowest to the highest seed.",
                        .x = {"pairs seen"},
                        .y = {report.study.metric + " of the validation split"},
                        .series = {}};
  for (const auto& arm : report.convergence) chart.series.push_back(curve_series(arm));
  return html::line_chart(chart);
}

const OverSeeds* own_metric(const StudyReport& report, const std::string& arm, const std::string& value) {
  for (const auto& table : report.tables) {
    if (!table.set.empty() || table.value != value) continue;
    const auto of_arm = table.metrics.find(arm);
    if (of_arm == table.metrics.end()) continue;
    const auto found = of_arm->second.find(report.study.metric);
    if (found != of_arm->second.end()) return &found->second;
  }
  return nullptr;
}

Markup cost_chart(const StudyReport& report) {
  html::ScatterChart chart{.title = "Accuracy against the cost of a training step",
                           .description = "Further up and left is better; the stair joins what nothing beats in both.",
                           .x = {"step, ms", true},
                           .y = {report.study.metric},
                           .series = {}};
  std::map<std::string, std::size_t> place;
  for (const auto& cost : report.costs) {
    const auto* metric = own_metric(report, cost.arm, cost.value);
    if (metric == nullptr) continue;
    if (!place.contains(cost.arm)) {
      place[cost.arm] = chart.series.size();
      chart.series.push_back({cost.arm, {}});
    }
    chart.series[place[cost.arm]].points.push_back(
        {cost.step_ms, metric->mean(), cost.value.empty() ? cost.arm : cost.value.substr(cost.value.find('=') + 1)});
  }
  if (chart.series.empty()) return {};
  chart.front = html::pareto_front(chart.series);
  return html::scatter_chart(chart);
}

// The metric by value, a line an arm, where the values are numbers.
Markup sweep_charts(const StudyReport& report) {
  Markup content;
  for (const auto& sweep : report.study.sweeps) {
    html::LineChart chart{.title = report.study.metric + " by " + sweep.key,
                          .description = "The mean over seeds, the band from the lowest to the highest seed.",
                          .x = {sweep.key},
                          .y = {report.study.metric},
                          .series = {}};
    for (const auto& arm : report.study.arms) {
      html::Series series{.name = arm.name, .x = {}, .y = {}, .low = {}, .high = {}};
      for (const auto& value : sweep.values) {
        const auto* numbers = own_metric(report, arm.name, sweep.key + "=" + value);
        char* end = nullptr;
        const double x = std::strtod(value.c_str(), &end);
        if (numbers == nullptr || end == value.c_str() || *end != '\0') continue;
        series.x.push_back(x);
        series.y.push_back(numbers->mean());
        series.low.push_back(*std::min_element(numbers->values.begin(), numbers->values.end()));
        series.high.push_back(*std::max_element(numbers->values.begin(), numbers->values.end()));
      }
      if (series.x.size() > 1 && std::is_sorted(series.x.begin(), series.x.end()))
        chart.series.push_back(std::move(series));
    }
    if (!chart.series.empty()) content += html::line_chart(chart);
  }
  return content;
}

// Arms by data set: what a model trained on one gives on another.
Markup transfer_chart(const StudyReport& report) {
  if (report.study.evaluate_on.empty()) return {};
  html::MatrixChart chart{.title = report.study.metric + " on other data sets, without training there",
                          .description = "Rows are arms, columns the data sets that they are evaluated on.",
                          .row_label = "arm",
                          .column_label = "evaluated on",
                          .rows = {},
                          .columns = {},
                          .values = {}};
  std::vector<const ArmTable*> tables;
  for (const auto& table : report.tables) {
    if (table.value != report.tables.front().value) continue;
    tables.push_back(&table);
    chart.columns.push_back(table.set.empty() ? "own test split" : table.set);
  }
  for (const auto& arm : report.study.arms) {
    chart.rows.push_back(arm.name);
    auto& row = chart.values.emplace_back();
    for (const auto* table : tables) {
      const auto of_arm = table->metrics.find(arm.name);
      const bool is_known = of_arm != table->metrics.end() && of_arm->second.contains(report.study.metric);
      row.push_back(is_known ? std::optional(of_arm->second.at(report.study.metric).mean()) : std::nullopt);
    }
  }
  return tables.empty() ? Markup() : html::matrix_chart(chart);
}

Markup example_list(const std::vector<study::QueryExample>& examples, const std::string& title) {
  if (examples.empty()) return {};
  html::Table table{.caption = title,
                    .columns = {{"query"}, {"its video"}, {"rank, baseline", true}, {"rank, arm", true}},
                    .rows = {}};
  for (const auto& one : examples) {
    table.rows.push_back({html::foreign(one.caption), html::foreign(one.video), html::number_cell(one.base_rank, 1),
                          html::number_cell(one.arm_rank, 1)});
  }
  return html::table(table);
}

// Who wins where: the queries with the largest change of rank, both ways.
Markup query_section(const StudyReport& report) {
  Markup content;
  for (const auto& table : report.tables) {
    if (!table.set.empty()) continue;
    for (const auto& comparison : table.comparison.comparisons) {
      const auto found = study::changed_queries(table.comparison, comparison.arm);
      const auto name = comparison.arm + (table.value.empty() ? "" : ", " + table.value);
      Markup inner = example_list(found.arm_better, "Better with " + comparison.arm);
      inner += example_list(found.base_better, "Better with " + table.comparison.base().name);
      if (!inner.empty()) {
        content += html::details(
            html::foreign(concat(name, ": ", found.better, " queries rank better than with ",
                                 table.comparison.base().name, ", ", found.worse, " worse, ", found.same, " alike")),
            inner);
      }
    }
  }
  return content;
}

}  // namespace

std::string study_html(const StudyReport& report) {
  html::Page page;
  page.title = "Study: " + report.study.name;
  if (!report.study.question.empty()) page.lead += paragraph(report.study.question);
  std::vector<Markup> answers;
  for (const auto& answer : report.answers) answers.push_back(html::foreign(answer));
  page.lead += html::list(answers);
  page.lead += paragraph(study::state_sentence(report));
  const auto add = [&](const char* id, const char* title, Markup content) {
    if (!content.empty()) page.sections.push_back({id, title, std::move(content)});
  };
  add("accuracy", "Accuracy",
      difference_charts(report) + sweep_charts(report) + page_tables(study::overview_tables(report)) +
          page_tables(study::accuracy_tables(report)));
  add("transfer", "Other data sets", transfer_chart(report));
  add("convergence", "Convergence", convergence_chart(report) + page_tables(study::convergence_tables(report)));
  add("cost", "Cost", cost_chart(report) + page_tables(study::cost_tables(report)));
  add("losses", "Losses", page_tables(study::loss_tables(report)));
  add("queries", "Queries: who wins where", query_section(report));
  add("settings", "Cells, settings, commands", page_tables(study::cell_tables(report)));
  page.foot = paragraph("Every number is computed from the files of the cells.");
  return html::page_text(page);
}

}  // namespace glint
