#pragma once

#include <string>
#include <vector>

#include "glint/report/run_report.h"
#include "glint/report/table.h"
#include "report/query_facts.h"

// What several sections of a run's page need, worked out once.
namespace glint {

struct DirectionFacts {
  std::string name;                         // "text to video"
  std::string key;                          // "t2v"
  std::vector<std::vector<Question>> runs;  // [runs][questions], in the order of the first run
  std::vector<std::size_t> unit;            // of each question: a query, or a video with all its captions
  std::vector<double> unit_queries;         // questions of each unit
};

// A mean over questions with its 95 % interval: Wilson's for shares of queries that are each a unit, else by the
// bootstrap over units.
struct Estimate {
  double value = 0, low = 0, high = 0;
};

struct ReportFacts {
  explicit ReportFacts(const RunReport& given);

  const RunReport& report;
  DirectionFacts t2v, v2t;
  std::vector<std::vector<std::optional<ErrorKind>>> errors;  // [runs][t2v questions]
  std::size_t shown = 0;                                      // the run whose queries are shown one by one: the last

  const RunRecord& shown_run() const { return report.runs[shown]; }
  bool has_several() const { return report.runs.size() > 1; }
  std::vector<std::string> names() const;

  // Means of several values of the chosen questions (all of them where `chosen` is empty): one estimate a column.
  std::vector<Estimate> estimates(const DirectionFacts& direction, const std::vector<std::vector<double>>& columns,
                                  const std::vector<bool>& chosen, std::int64_t resamples) const;
};

// 100 where the right answer's rank is below k, question by question.
std::vector<double> hits(const std::vector<Question>& questions, double k);
// "78.5 (72.5 to 84.0)", sorted by the value.
html::Cell estimate_cell(const Estimate& estimate, int digits);

// The sections, in the page's order (docs/report.md).
html::Markup lead_of(const ReportFacts& facts);
html::Markup headline_section(const ReportFacts& facts);
html::Markup comparison_section(const ReportFacts& facts);  // of several runs
html::Markup ranks_section(const ReportFacts& facts);
html::Markup subsets_section(const ReportFacts& facts);
html::Markup errors_section(const ReportFacts& facts);
html::Markup queries_section(const ReportFacts& facts, std::size_t queries, html::Pictures& pictures);
html::Markup hubs_section(const ReportFacts& facts, html::Pictures& pictures);
html::Markup training_section(const ReportFacts& facts);
html::Markup cost_section(const ReportFacts& facts);
html::Markup data_section(const ReportFacts& facts);
html::Markup settings_section(const ReportFacts& facts);

// Questions of the shown run, hardest first, and others drawn at random.
struct ChosenQueries {
  std::vector<std::size_t> hardest, random;
};
ChosenQueries choose_queries(const ReportFacts& facts, std::size_t count);
// Rows of the shown run's gallery that are first or among the best ten for most queries.
std::vector<std::size_t> largest_hubs(const ReportFacts& facts);
// A clip's four frames, or nothing where there are none.
html::Markup strip_of(const ReportFacts& facts, const std::string& video, html::Pictures& pictures);
// A paragraph.
html::Markup words(const html::Markup& text);

}  // namespace glint
