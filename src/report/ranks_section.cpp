#include <algorithm>
#include <array>
#include <cmath>

#include "glint/core/error.h"
#include "glint/report/chart.h"
#include "glint/report/comparison_table.h"
#include "report/report_facts.h"

namespace glint {
namespace {

using html::element;
using html::foreign;
using html::Markup;

constexpr std::size_t kListed = 200;      // rows of a table of queries: with more the page gets heavy
constexpr std::size_t kCurvePoints = 60;  // of an R@k curve

struct RankBin {
  const char* name;
  double below;  // 0-based ranks
};
constexpr std::array<RankBin, 5> kRankBins = {{{"1", 1}, {"2-5", 5}, {"6-10", 10}, {"11-50", 50}, {"51+", INFINITY}}};

Markup rank_histogram(const ReportFacts& facts, const DirectionFacts& direction) {
  html::BarChart chart{concat("Ranks, ", direction.name),
                       "How many queries have their right answer at these ranks.",
                       {"queries"},
                       {},
                       {},
                       0};
  for (const auto& bin : kRankBins) chart.categories.emplace_back(bin.name);
  for (std::size_t r = 0; r < direction.runs.size(); ++r) {
    html::BarSeries series{facts.report.runs[r].name, std::vector<double>(kRankBins.size()), {}, {}};
    for (const auto& question : direction.runs[r]) {
      const auto bin =
          std::find_if(kRankBins.begin(), kRankBins.end(), [&](const auto& b) { return question.rank < b.below; });
      ++series.values[static_cast<std::size_t>(bin - kRankBins.begin())];
    }
    chart.series.push_back(series);
  }
  return bar_chart(chart);
}

// 1, 2, 3, ... and then ever wider steps up to the largest rank.
std::vector<double> curve_places(const DirectionFacts& direction) {
  double last = 1;
  for (const auto& run : direction.runs) {
    for (const auto& question : run) last = std::max(last, std::floor(question.rank) + 1);
  }
  std::vector<double> places;
  const double factor = std::pow(last, 1.0 / kCurvePoints);
  for (double k = 1; k <= last; k = std::max(k + 1, std::floor(k * factor))) places.push_back(k);
  if (places.back() < last) places.push_back(last);
  return places;
}

void add_curves(const ReportFacts& facts, const DirectionFacts& direction, html::LineChart& chart) {
  for (std::size_t r = 0; r < direction.runs.size(); ++r) {
    html::Series series;
    series.name = facts.has_several() ? concat(facts.report.runs[r].name, ", ", direction.name) : direction.name;
    for (const double k : curve_places(direction)) {
      double found = 0;
      for (const auto& question : direction.runs[r]) found += question.rank < k;
      series.x.push_back(k);
      series.y.push_back(100 * found / static_cast<double>(direction.runs[r].size()));
    }
    chart.series.push_back(series);
  }
}

Markup recall_curves(const ReportFacts& facts) {
  html::LineChart chart{"R@k",
                        "Share of queries whose right answer is among the first k.",
                        {"k", true},
                        {"R@k, %", false, std::nullopt, 100.0},
                        {}};
  add_curves(facts, facts.t2v, chart);
  add_curves(facts, facts.v2t, chart);
  return line_chart(chart);
}

const RankedItem& video_at(const RunRecord& run, std::int64_t row) {
  return run.evaluation.ranks.gallery[static_cast<std::size_t>(row)];
}

// Text queries that only `right` answers at rank 1.
Markup discordant_table(const ReportFacts& facts, std::size_t right, std::size_t wrong) {
  const auto& good = facts.t2v.runs[right];
  const auto& bad = facts.t2v.runs[wrong];
  const auto& name = facts.report.runs[right].name;
  const auto& other = facts.report.runs[wrong].name;
  html::Table table;
  table.caption = concat("Text queries that ", name, " alone gets right");
  table.columns = {{"caption", false, html::Width::kWide},
                   {"right video"},
                   {concat("rank, ", other), true},
                   {concat("first, ", other)},
                   {concat("its lead in ", other), true}};
  table.has_filter = true;
  std::size_t count = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    if (!good[i].is_right() || bad[i].is_right()) continue;
    if (++count > kListed) continue;
    const auto& gallery = facts.report.runs[wrong].evaluation.ranks.gallery;
    const auto at = best_wrong(bad[i], gallery);
    std::vector<html::Cell> row = {foreign(good[i].caption), foreign(good[i].video),
                                   html::Cell(html::short_number(bad[i].rank + 1), bad[i].rank)};
    row.emplace_back(at ? foreign(video_at(facts.report.runs[wrong], bad[i].best[*at]).id) : Markup());
    row.push_back(at ? html::number_cell(bad[i].best_scores[*at] - bad[i].truth_score, 3) : html::Cell(""));
    table.rows.push_back(std::move(row));
  }
  auto title = foreign(name) + concat(" alone right: ", count, count == 1 ? " query" : " queries");
  if (count > kListed) title += concat(" (the first ", kListed, " are listed)");
  return count == 0 ? words(title) : html::details(title, html::table(table));
}

Markup difference_chart(const ComparisonReport& comparison) {
  html::IntervalChart chart{
      "Differences",
      concat("Run minus ", comparison.base().name, ", with 95 % intervals; right of the line the run is better."),
      {"difference, points"},
      {},
      0.0};
  for (const auto& arm : comparison.comparisons) {
    for (const auto& metric : arm.metrics) {
      if (metric.metric.find("R@") == std::string::npos) continue;
      const auto name = comparison.comparisons.size() == 1 ? metric.metric : concat(arm.arm, " ", metric.metric);
      chart.rows.push_back({name, metric.difference, metric.low, metric.high});
    }
  }
  return interval_chart(chart);
}

}  // namespace

Markup comparison_section(const ReportFacts& facts) {
  ComparisonReport comparison;
  for (const auto& run : facts.report.runs) comparison.arms.push_back({run.name, {run.evaluation}});
  comparison.options.resampling = facts.report.resampling;
  comparison.comparisons = compare_arms(comparison.arms, 0, comparison.options);
  auto section = comparison_html(comparison) + element("div", {{"class", "charts"}}, difference_chart(comparison));
  section += element("h3", "Queries right in one of the two only");
  for (std::size_t r = 1; r < facts.report.runs.size(); ++r)
    section += discordant_table(facts, r, 0) + discordant_table(facts, 0, r);
  return section;
}

Markup ranks_section(const ReportFacts& facts) {
  return element("div", {{"class", "charts"}},
                 rank_histogram(facts, facts.t2v) + rank_histogram(facts, facts.v2t) + recall_curves(facts));
}

}  // namespace glint
