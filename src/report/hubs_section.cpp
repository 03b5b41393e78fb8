#include <algorithm>
#include <numeric>

#include "glint/core/error.h"
#include "glint/report/chart.h"
#include "report/report_facts.h"

namespace glint {
namespace {

using html::element;
using html::foreign;
using html::Markup;

constexpr std::size_t kHubsShown = 8;
constexpr std::size_t kBinsOfOccurrence = 8;  // 0, 1-5, 6-10, 11-15, 16-20, 21-30, 31-50, 51+

Occurrences occurrences_of(const ReportFacts& facts, const DirectionFacts& direction, std::size_t run) {
  const auto& ranks = facts.report.runs[run].evaluation.ranks;
  return occurrences(direction.runs[run], &direction == &facts.t2v ? ranks.gallery.size() : ranks.queries.size());
}

Markup skewness_table(const ReportFacts& facts) {
  html::Table table;
  table.caption =
      "How often answers stand among the best ten, over all queries. Skewness above about 1 means that a few answers "
      "turn up everywhere.";
  table.columns = {{"run", false, html::Width::kWhole},
                   {"direction", false, html::Width::kWhole},
                   {"skewness", true},
                   {"most often among the ten", true},
                   {"most often first", true},
                   {"never among the ten", true},
                   {"answers", true}};
  for (std::size_t r = 0; r < facts.report.runs.size(); ++r) {
    for (const auto* direction : {&facts.t2v, &facts.v2t}) {
      const auto found = occurrences_of(facts, *direction, r);
      if (found.first.empty()) continue;
      table.rows.push_back({foreign(facts.report.runs[r].name), Markup(direction->name),
                            html::number_cell(skewness(found.top_ten), 2),
                            html::count_cell(*std::max_element(found.top_ten.begin(), found.top_ten.end())),
                            html::count_cell(*std::max_element(found.first.begin(), found.first.end())),
                            html::count_cell(std::count(found.top_ten.begin(), found.top_ten.end(), 0)),
                            html::count_cell(static_cast<long long>(found.first.size()))});
    }
  }
  return html::table(table);
}

Markup occurrence_chart(const ReportFacts& facts) {
  const std::vector<std::int64_t> ends = {0, 5, 10, 15, 20, 30, 50};
  html::BarChart chart{"Videos by how often they are among the best ten",
                       "Text to video. Far right: hubs; far left: videos that no query finds.",
                       {"videos"},
                       {"0", "1-5", "6-10", "11-15", "16-20", "21-30", "31-50", "51+"},
                       {},
                       0};
  for (std::size_t r = 0; r < facts.report.runs.size(); ++r) {
    html::BarSeries series{facts.report.runs[r].name, std::vector<double>(kBinsOfOccurrence), {}, {}};
    for (const auto count : occurrences_of(facts, facts.t2v, r).top_ten) {
      const auto bin = std::lower_bound(ends.begin(), ends.end(), count) - ends.begin();
      ++series.values[static_cast<std::size_t>(bin)];
    }
    chart.series.push_back(series);
  }
  return element("div", {{"class", "charts"}}, bar_chart(chart));
}

Markup hub_card(const ReportFacts& facts, std::size_t row, const Occurrences& found, html::Pictures& pictures) {
  const auto& run = facts.shown_run();
  const auto& video = run.evaluation.ranks.gallery[row].id;
  std::vector<Markup> wrong;
  for (const auto& question : facts.t2v.runs[facts.shown]) {
    if (!question.best.empty() && question.best.front() == static_cast<std::int64_t>(row) && question.video != video)
      wrong.push_back(foreign(question.caption));
  }
  auto card = element("h4", foreign(video)) + strip_of(facts, video, pictures);
  for (const auto& query : run.evaluation.ranks.queries) {
    if (query.video != video) continue;
    card += words(element("span", {{"class", "soft"}}, "Its caption: ") + foreign(query.caption));
    break;
  }
  card += words(concat("First for ", found.first[row], found.first[row] == 1 ? " query" : " queries",
                       ", among the best ten for ", found.top_ten[row], "."));
  if (!wrong.empty()) card += html::details(concat("Wrongly first for ", wrong.size()), html::list(wrong));
  return element("article", {{"class", "card"}}, card);
}

}  // namespace

std::vector<std::size_t> largest_hubs(const ReportFacts& facts) {
  const auto found = occurrences_of(facts, facts.t2v, facts.shown);
  std::vector<std::size_t> rows(found.first.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  std::stable_sort(rows.begin(), rows.end(),
                   [&](std::size_t a, std::size_t b) { return found.top_ten[a] > found.top_ten[b]; });
  rows.resize(std::min(kHubsShown, rows.size()));
  return rows;
}

Markup hubs_section(const ReportFacts& facts, html::Pictures& pictures) {
  const auto found = occurrences_of(facts, facts.t2v, facts.shown);
  Markup cards;
  for (const auto row : largest_hubs(facts)) cards += hub_card(facts, row, found, pictures);
  auto title = Markup("The videos most often among the best ten");
  if (facts.has_several()) title = title + " of " + foreign(facts.shown_run().name);
  return skewness_table(facts) + occurrence_chart(facts) + element("h3", title) +
         element("div", {{"class", "cards"}}, cards);
}

}  // namespace glint
