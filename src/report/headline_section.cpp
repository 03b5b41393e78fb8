#include <algorithm>
#include <cmath>

#include "glint/core/error.h"
#include "glint/report/chart.h"
#include "report/report_facts.h"

namespace glint {
namespace {

using html::element;
using html::fixed;
using html::foreign;
using html::Markup;

constexpr std::int64_t kHeadlineResamples = 10'000;

struct HeadlineRow {
  std::size_t run = 0;
  const DirectionFacts* direction = nullptr;
  std::vector<Estimate> values;  // R@1, R@5, R@10, MnR, MRR
  double median = 0;
};

double median_rank(const std::vector<Question>& questions) {
  std::vector<double> ranks;
  for (const auto& question : questions) ranks.push_back(question.rank + 1);
  std::sort(ranks.begin(), ranks.end());
  const auto n = ranks.size();
  return n == 0 ? 0 : (ranks[(n - 1) / 2] + ranks[n / 2]) / 2;
}

HeadlineRow headline_row(const ReportFacts& facts, const DirectionFacts& direction, std::size_t run) {
  const auto& questions = direction.runs[run];
  std::vector<double> ranks, reciprocals;
  for (const auto& question : questions) {
    ranks.push_back(question.rank + 1);
    reciprocals.push_back(1 / (question.rank + 1));
  }
  return {run, &direction,
          facts.estimates(direction, {hits(questions, 1), hits(questions, 5), hits(questions, 10), ranks, reciprocals},
                          {}, kHeadlineResamples),
          median_rank(questions)};
}

std::vector<HeadlineRow> headline_rows(const ReportFacts& facts) {
  std::vector<HeadlineRow> rows;
  for (std::size_t r = 0; r < facts.report.runs.size(); ++r) {
    for (const auto* direction : {&facts.t2v, &facts.v2t}) rows.push_back(headline_row(facts, *direction, r));
  }
  return rows;
}

Markup headline_table(const ReportFacts& facts, const std::vector<HeadlineRow>& rows) {
  html::Table table;
  table.caption =
      "Share of queries whose right answer is among the first k (R@k, %), its rank (median, mean from 1) and "
      "mean 1/rank, with 95 % intervals over queries";
  table.columns = {{"run", false, html::Width::kWhole},
                   {"direction", false, html::Width::kWhole},
                   {"R@1", true},
                   {"R@5", true},
                   {"R@10", true},
                   {"RSum", true},
                   {"MdR", true},
                   {"MnR", true},
                   {"MRR", true},
                   {"nDCG@10", true},
                   {"queries", true}};
  for (const auto& row : rows) {
    const auto& v = row.values;
    const auto& metrics = facts.report.runs[row.run].results.metrics;
    const auto of = metrics.find(row.direction->key);
    const auto ndcg =
        of == metrics.end() ? std::map<std::string, double>::const_iterator() : of->second.find("nDCG@10");
    const bool has_ndcg = of != metrics.end() && ndcg != of->second.end();
    table.rows.push_back({foreign(facts.report.runs[row.run].name), row.direction->name, estimate_cell(v[0], 1),
                          estimate_cell(v[1], 1), estimate_cell(v[2], 1),
                          html::number_cell(v[0].value + v[1].value + v[2].value, 1), html::number_cell(row.median, 1),
                          estimate_cell(v[3], 2), estimate_cell(v[4], 3),
                          has_ndcg ? html::number_cell(ndcg->second, 3) : html::Cell(""),
                          html::count_cell(static_cast<long long>(row.direction->unit.size()))});
  }
  return html::table(table);
}

Markup recall_chart(const ReportFacts& facts, const std::vector<HeadlineRow>& rows, const DirectionFacts& direction) {
  html::BarChart chart{concat("Recall, ", direction.name),
                       "Bars: R@k; lines: 95 % intervals.",
                       {"R@k, %", false, 0.0, 100.0},
                       {"R@1", "R@5", "R@10"},
                       {}};
  for (const auto& row : rows) {
    if (row.direction != &direction) continue;
    html::BarSeries series{facts.report.runs[row.run].name, {}, {}, {}};
    for (std::size_t k = 0; k < 3; ++k) {
      series.values.push_back(row.values[k].value);
      series.low.push_back(row.values[k].low);
      series.high.push_back(row.values[k].high);
    }
    chart.series.push_back(series);
  }
  return bar_chart(chart);
}

std::string or_unknown(const std::string& word) {
  return word.empty() ? "not known" : word;
}

std::string selected_text(const RunRecord& run) {
  const auto on = run.results.word("selected_on"), by = run.results.word("selected_by");
  if (on.empty()) return "not known";
  if (on == "none") return "not selected: the last one was taken";
  return concat("best of its run on ", on, by.empty() ? "" : " by " + by);
}

std::string ties_text(const RunRecord& run) {
  const auto of = run.results.metrics.find("t2v");
  const bool is_average = run.evaluation.signature.ties == "average";
  std::string text = is_average ? "average: half of the equal scores count as above the right answer's"
                                : "optimistic: none of the equal scores counts as above the right answer's";
  if (of != run.results.metrics.end() && of->second.count("ties") > 0)
    text += concat("; ", html::short_number(of->second.at("ties")), " text queries have a tie");
  return text;
}

Markup facts_table(const ReportFacts& facts) {
  html::Table table;
  table.caption = "How it was evaluated";
  table.columns = {{""}};
  for (const auto& name : facts.names()) table.columns.push_back({name});
  const auto add = [&](const char* what, auto&& of_run) {
    std::vector<html::Cell> row = {Markup(what)};
    for (const auto& run : facts.report.runs) row.emplace_back(foreign(of_run(run)));
    table.rows.push_back(std::move(row));
  };
  add("head", [](const auto& run) { return or_unknown(run.results.word("head")); });
  add("checkpoint", [](const auto& run) { return or_unknown(run.results.word("checkpoint")); });
  add("how it was selected", selected_text);
  add("data, split, protocol", [](const auto& run) {
    return concat(run.results.word("data"), ", ", run.results.word("split"), ", ", run.results.word("protocol"));
  });
  add("ties", ties_text);
  add("post-processing", [](const auto& run) { return run.evaluation.signature.postprocess; });
  add("skipped clips", [](const auto& run) { return std::to_string(run.results.skipped.size()); });
  add("precision of the towers", [](const auto& run) { return or_unknown(run.results.word("precision")); });
  add("signature", [](const auto& run) { return to_text(run.evaluation.signature); });
  return html::table(table);
}

Markup raw_table(const ReportFacts& facts) {
  html::Table table{"The same scores before post-processing",
                    {{"run", false, html::Width::kWhole},
                     {"direction", false, html::Width::kWhole},
                     {"R@1", true},
                     {"R@5", true},
                     {"R@10", true},
                     {"MdR", true},
                     {"MnR", true}},
                    {}};
  for (const auto& run : facts.report.runs) {
    for (const auto* direction : {&facts.t2v, &facts.v2t}) {
      const auto found = run.results.metrics.find("raw " + direction->key);
      if (found == run.results.metrics.end()) continue;
      std::vector<html::Cell> row = {foreign(run.name), direction->name};
      for (const char* metric : {"R@1", "R@5", "R@10", "MdR", "MnR"}) {
        const auto value = found->second.find(metric);
        row.push_back(value == found->second.end() ? html::Cell("") : html::number_cell(value->second, 1));
      }
      table.rows.push_back(std::move(row));
    }
  }
  return table.rows.empty() ? Markup() : element("h3", "Before post-processing") + html::table(table);
}

Markup skipped_list(const ReportFacts& facts) {
  Markup lists;
  for (const auto& run : facts.report.runs) {
    std::vector<Markup> items;
    for (const auto& [clip, cause] : run.results.skipped) items.push_back(foreign(clip) + ": " + foreign(cause));
    if (items.empty()) continue;
    lists +=
        html::details(Markup(concat(items.size(), items.size() == 1 ? " skipped clip of " : " skipped clips of ")) +
                          foreign(run.name),
                      html::list(items));
  }
  return lists;
}

Markup sentence_of_one(const ReportFacts& facts) {
  const auto& run = facts.report.runs.front();
  const auto t2v = headline_row(facts, facts.t2v, 0).values.front(),
             v2t = headline_row(facts, facts.v2t, 0).values.front();
  const auto interval = [](const Estimate& e) {
    return concat(" % (95 % interval ", fixed(e.low, 1), " to ", fixed(e.high, 1), ")");
  };
  return foreign(run.name) + concat(" puts the right video first for ", fixed(t2v.value, 1), interval(t2v), " of ",
                                    html::with_commas(static_cast<long long>(facts.t2v.unit.size())),
                                    " captions, and the right caption first for ", fixed(v2t.value, 1), interval(v2t),
                                    " of ", html::with_commas(static_cast<long long>(facts.v2t.unit.size())),
                                    " videos.");
}

MetricComparison first_comparison(const ReportFacts& facts) {
  const auto& runs = facts.report.runs;
  ComparisonOptions options;
  options.metrics = {"t2v/R@1"};
  options.correction = Correction::kNone;
  options.resampling = facts.report.resampling;
  const std::vector<ComparedArm> arms = {{runs.front().name, {runs.front().evaluation}},
                                         {runs.back().name, {runs.back().evaluation}}};
  return compare_arms(arms, 0, options).front().metrics.front();
}

Markup sentence_of_two(const ReportFacts& facts) {
  const auto& base = facts.report.runs.front();
  const auto& run = facts.report.runs.back();
  const auto m = first_comparison(facts);
  const bool is_clear = m.p < 0.05;
  const bool is_better = m.difference > 0;
  auto text = foreign(run.name);
  text += is_clear ? concat(" is ", is_better ? "better" : "worse", " than ") : " cannot be told from ";
  text += foreign(base.name);
  text += concat(" at text-to-video R@1: ", fixed(m.arm, 1), " against ", fixed(m.baseline, 1), " %, difference ",
                 html::with_sign(m.difference, 1), " points (95 % interval ", html::with_sign(m.low, 1), " to ",
                 html::with_sign(m.high, 1), "), p = ", html::p_value(m.p), ".");
  if (!is_clear && m.smallest_significant)
    text += concat(" With ", m.queries, " queries that disagree as often as these, a difference below ",
                   fixed(*m.smallest_significant, 1), " points is not significant.");
  return text + " One training each: what another seed would change is not in these numbers.";
}

}  // namespace

Markup lead_of(const ReportFacts& facts) {
  const auto sentence = facts.has_several() ? sentence_of_two(facts) : sentence_of_one(facts);
  return element("p", {{"class", "lead"}}, sentence) +
         element("p", {{"class", "mono soft"}}, to_text(facts.report.runs.front().evaluation.signature));
}

Markup headline_section(const ReportFacts& facts) {
  const auto rows = headline_rows(facts);
  const auto charts = recall_chart(facts, rows, facts.t2v) + recall_chart(facts, rows, facts.v2t);
  return headline_table(facts, rows) + element("div", {{"class", "charts"}}, charts) + raw_table(facts) +
         facts_table(facts) + skipped_list(facts);
}

}  // namespace glint
