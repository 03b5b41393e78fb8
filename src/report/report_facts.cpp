#include "report/report_facts.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "glint/core/error.h"
#include "glint/eval/statistics.h"

namespace glint {
namespace {

DirectionFacts direction_facts(const RunReport& report, bool is_t2v) {
  DirectionFacts direction;
  direction.name = is_t2v ? "text to video" : "video to text";
  direction.key = is_t2v ? "t2v" : "v2t";
  std::vector<std::string> ids;
  for (const auto& run : report.runs) {
    auto questions = questions_of(run.evaluation, is_t2v);
    if (direction.runs.empty()) {
      for (const auto& question : questions) ids.push_back(question.id);
      direction.runs.push_back(std::move(questions));
      continue;
    }
    std::vector<Question> ordered;
    for (const auto place : places_of_ids(ids, questions, run.name)) ordered.push_back(std::move(questions[place]));
    direction.runs.push_back(std::move(ordered));
  }
  std::unordered_map<std::string, std::size_t> unit_of_video;
  for (const auto& question : direction.runs.front()) {
    auto unit = direction.unit_queries.size();
    if (is_t2v && !question.video.empty()) unit = unit_of_video.emplace(question.video, unit).first->second;
    if (unit == direction.unit_queries.size()) direction.unit_queries.push_back(0);
    direction.unit.push_back(unit);
    ++direction.unit_queries[unit];
  }
  return direction;
}

// Wilson's interval of a share: that of a bootstrap has no width where all or none are right.
Estimate share_of(double right, double count) {
  constexpr double z = 1.959964;
  const double p = right / count, middle = p + z * z / (2 * count);
  const double half = z * std::sqrt(p * (1 - p) / count + z * z / (4 * count * count)), whole = 1 + z * z / count;
  return {100 * p, std::max(0.0, 100 * (middle - half) / whole), std::min(100.0, 100 * (middle + half) / whole)};
}

bool are_hits(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return value == 0 || value == 100; });
}

}  // namespace

ReportFacts::ReportFacts(const RunReport& given) : report(given) {
  GLINT_CHECK(!report.runs.empty(), "a report of no runs");
  t2v = direction_facts(report, true);
  v2t = direction_facts(report, false);
  shown = report.runs.size() - 1;
  for (std::size_t r = 0; r < report.runs.size(); ++r)
    errors.push_back(error_kinds(t2v.runs[r], report.runs[r].evaluation.ranks));
}

std::vector<std::string> ReportFacts::names() const {
  std::vector<std::string> names;
  for (const auto& run : report.runs) names.push_back(run.name);
  return names;
}

std::vector<Estimate> ReportFacts::estimates(const DirectionFacts& direction,
                                             const std::vector<std::vector<double>>& columns,
                                             const std::vector<bool>& chosen, std::int64_t resamples) const {
  std::vector<std::size_t> place(direction.unit_queries.size(), direction.unit.size());
  std::vector<double> unit_queries;
  UnitColumns sums(columns.size());
  for (std::size_t i = 0; i < direction.unit.size(); ++i) {
    if (!chosen.empty() && !chosen[i]) continue;
    auto& at = place[direction.unit[i]];
    if (at == direction.unit.size()) {
      at = unit_queries.size();
      unit_queries.push_back(0);
      for (auto& column : sums) column.push_back(0);
    }
    ++unit_queries[at];
    for (std::size_t c = 0; c < columns.size(); ++c) sums[c][at] += columns[c][i];
  }
  std::vector<Estimate> estimates(columns.size());
  double queries = 0;
  for (const double count : unit_queries) queries += count;
  if (queries == 0) return estimates;
  auto resampling = report.resampling;
  resampling.resamples = std::min(resampling.resamples, resamples);
  const auto intervals = paired_bootstrap(sums, unit_queries, resampling);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    double sum = 0;
    for (const double value : sums[c]) sum += value;
    const bool is_share = are_hits(sums[c]) && queries == static_cast<double>(unit_queries.size());
    estimates[c] =
        is_share ? share_of(sum / 100, queries) : Estimate{sum / queries, intervals[c].low, intervals[c].high};
  }
  return estimates;
}

std::vector<double> hits(const std::vector<Question>& questions, double k) {
  std::vector<double> values;
  for (const auto& question : questions) values.push_back(question.rank < k ? 100 : 0);
  return values;
}

html::Cell estimate_cell(const Estimate& estimate, int digits) {
  const auto interval = concat("(", html::fixed(estimate.low, digits), " to ", html::fixed(estimate.high, digits), ")");
  return {html::Markup(html::fixed(estimate.value, digits) + " ") + html::element("small", interval), estimate.value};
}

html::Markup words(const html::Markup& text) {
  return html::element("p", text);
}

html::Markup strip_of(const ReportFacts& facts, const std::string& video, html::Pictures& pictures) {
  const auto& strips = facts.report.media.strips;
  const auto found = strips.find(video);
  if (found == strips.end()) return {};
  const auto& strip = found->second;
  return pictures.image(strip.jpeg, strip.width, strip.height, "Four frames of " + video);
}

}  // namespace glint
