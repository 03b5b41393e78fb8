#include <algorithm>
#include <array>

#include "glint/core/error.h"
#include "glint/report/chart.h"
#include "report/report_facts.h"

namespace glint {
namespace {

using html::foreign;
using html::Markup;

struct KindWords {
  const char* name;
  const char* meaning;
};
constexpr std::array<KindWords, kErrorKinds> kKindWords = {{
    {"duplicate",
     "the winner's video has the same caption, articles, endings and punctuation aside: the benchmark's fault"},
    {"hub", "the winner is first for more than 5 queries"},
    {"order", "a caption of the winner has the same words (four fifths or more) in another order"},
    {"near miss", "the right video's score is within 0.02 of the winner's"},
    {"far", "none of these"},
}};
constexpr std::size_t kListedErrors = 300;

std::vector<std::int64_t> counts_of(const std::vector<std::optional<ErrorKind>>& kinds) {
  std::vector<std::int64_t> counts(kErrorKinds);
  for (const auto& kind : kinds) {
    if (kind) ++counts[static_cast<std::size_t>(*kind)];
  }
  return counts;
}

Markup kinds_table(const ReportFacts& facts) {
  html::Table table;
  table.caption = "Wrong text queries, each under the first kind that fits";
  table.columns = {{"kind", false, html::Width::kWhole}, {"meaning", false, html::Width::kWide}};
  for (const auto& name : facts.names()) {
    const auto prefix = facts.has_several() ? name + ": " : "";
    table.columns.push_back({prefix + "queries", true});
    table.columns.push_back({prefix + "R@1 if these were right, %", true});
  }
  for (std::size_t kind = 0; kind < kErrorKinds; ++kind) {
    std::vector<html::Cell> row = {Markup(kKindWords[kind].name), Markup(kKindWords[kind].meaning)};
    for (const auto& kinds : facts.errors) {
      const auto counts = counts_of(kinds);
      const auto right = std::count(kinds.begin(), kinds.end(), std::nullopt);
      row.push_back(html::count_cell(counts[kind]));
      row.push_back(
          html::number_cell(100.0 * static_cast<double>(right + counts[kind]) / static_cast<double>(kinds.size()), 1));
    }
    table.rows.push_back(std::move(row));
  }
  return html::table(table);
}

Markup kinds_chart(const ReportFacts& facts) {
  html::BarChart chart{"Wrong text queries", "How many queries are wrong for each reason.", {"queries"}, {}, {}, 0};
  for (const auto& kind : kKindWords) chart.categories.emplace_back(kind.name);
  for (std::size_t r = 0; r < facts.errors.size(); ++r) {
    const auto counts = counts_of(facts.errors[r]);
    chart.series.push_back({facts.report.runs[r].name, std::vector<double>(counts.begin(), counts.end()), {}, {}});
  }
  return html::element("div", {{"class", "charts"}}, bar_chart(chart));
}

// The captions of a video, the first few.
std::string captions_of(const RunRecord& run, const std::string& video) {
  std::string text;
  std::size_t count = 0;
  for (const auto& query : run.evaluation.ranks.queries) {
    if (query.video != video) continue;
    if (++count > 3) return text + " / ...";
    text += (text.empty() ? "" : " / ") + query.caption;
  }
  return text;
}

Markup wrong_queries(const ReportFacts& facts) {
  const auto& run = facts.shown_run();
  const auto& questions = facts.t2v.runs[facts.shown];
  const auto& kinds = facts.errors[facts.shown];
  html::Table table;
  table.caption = concat("Wrong text queries of ", run.name);
  table.has_filter = true;
  table.columns = {{"caption", false, html::Width::kWide},
                   {"kind", false, html::Width::kWhole},
                   {"rank", true},
                   {"right video"},
                   {"score", true},
                   {"winner"},
                   {"its score", true},
                   {"its caption", false, html::Width::kWide}};
  std::size_t count = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto& question = questions[i];
    if (!kinds[i] || ++count > kListedErrors) continue;
    const auto at = best_wrong(question, run.evaluation.ranks.gallery);
    const auto winner = at ? run.evaluation.ranks.gallery[static_cast<std::size_t>(question.best[*at])].id : "";
    table.rows.push_back({foreign(question.caption), Markup(kKindWords[static_cast<std::size_t>(*kinds[i])].name),
                          html::Cell(html::short_number(question.rank + 1), question.rank + 1), foreign(question.video),
                          html::number_cell(question.truth_score, 3), foreign(winner),
                          at ? html::number_cell(question.best_scores[*at], 3) : html::Cell(""),
                          foreign(captions_of(run, winner))});
  }
  if (count == 0) return words("No text query is wrong.");
  auto title = concat("All ", count, " wrong text queries");
  if (count > kListedErrors) title += concat(" (the first ", kListedErrors, " are listed)");
  if (facts.has_several()) title += " of ";
  return html::details(facts.has_several() ? Markup(title) + foreign(run.name) : Markup(title), html::table(table));
}

}  // namespace

Markup errors_section(const ReportFacts& facts) {
  auto section = kinds_table(facts) + kinds_chart(facts) + wrong_queries(facts);
  if (facts.shown_run().evaluation.signature.truth != "own")
    section += words("Judgements name several right answers here; the winner is compared with each query's own video.");
  if (facts.shown_run().evaluation.signature.postprocess != "none")
    section += words("Scores are those after post-processing, so near misses are near on that scale.");
  return section;
}

}  // namespace glint
