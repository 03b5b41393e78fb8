#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "glint/core/error.h"
#include "report/report_facts.h"

namespace glint {
namespace {

using html::foreign;
using html::Markup;

constexpr std::int64_t kSubsetResamples = 2'000;
constexpr std::size_t kMostTags = 40;

struct Subset {
  std::string group, name;
  std::vector<bool> chosen;  // of the t2v questions

  std::int64_t size() const { return std::count(chosen.begin(), chosen.end(), true); }
};

Subset subset_where(const ReportFacts& facts, const std::string& group, const std::string& name,
                    const std::function<bool(std::size_t)>& holds) {
  Subset subset{group, name, {}};
  for (std::size_t i = 0; i < facts.t2v.unit.size(); ++i) subset.chosen.push_back(holds(i));
  return subset;
}

void add_ranges(const ReportFacts& facts, const std::string& group, const std::string& unit,
                const std::vector<double>& ends, const std::vector<double>& values, std::vector<Subset>& subsets) {
  double from = 0;
  for (std::size_t e = 0; e <= ends.size(); ++e) {
    const double to = e < ends.size() ? ends[e] : INFINITY;
    const auto name = std::isinf(to) ? concat("over ", from, " ", unit)
                                     : concat(from == 0 ? "up to " : concat("over ", from, " to "), to, " ", unit);
    subsets.push_back(
        subset_where(facts, group, name, [&](std::size_t i) { return values[i] > from && values[i] <= to; }));
    from = to;
  }
}

std::vector<double> durations_of(const ReportFacts& facts) {
  std::vector<double> values;
  for (const auto& question : facts.t2v.runs.front()) {
    const auto found = facts.report.media.duration_s.find(question.video);
    values.push_back(found == facts.report.media.duration_s.end() ? NAN : found->second);
  }
  return values;
}

std::vector<Subset> subsets_of(const ReportFacts& facts) {
  const auto& questions = facts.t2v.runs.front();
  std::vector<Subset> subsets;
  std::vector<double> lengths;
  for (const auto& question : questions) lengths.push_back(static_cast<double>(count_caption_words(question.caption)));
  add_ranges(facts, "caption length", "words", {5, 10, 15, 20, 30, 50}, lengths, subsets);
  add_ranges(facts, "clip length", "s", {3, 5, 10, 20, 40, 120}, durations_of(facts), subsets);
  const auto has_equal = has_equal_caption(questions);
  subsets.push_back(
      subset_where(facts, "equal captions elsewhere", "none", [&](std::size_t i) { return !has_equal[i]; }));
  subsets.push_back(
      subset_where(facts, "equal captions elsewhere", "one or more", [&](std::size_t i) { return has_equal[i]; }));
  std::set<std::string> tags;
  for (const auto& question : questions) {
    for (const auto& tag : question.tags) {
      if (tags.size() < kMostTags) tags.insert(tag);
    }
  }
  for (const auto& tag : tags) {
    subsets.push_back(subset_where(facts, "tag", tag, [&](std::size_t i) {
      return std::find(questions[i].tags.begin(), questions[i].tags.end(), tag) != questions[i].tags.end();
    }));
  }
  std::erase_if(subsets, [](const Subset& subset) { return subset.size() == 0; });
  return subsets;
}

}  // namespace

Markup subsets_section(const ReportFacts& facts) {
  html::Table table;
  table.caption = "Text to video by kind of query, with 95 % intervals. Every subset is searched in the whole gallery.";
  table.columns = {{"subset", false, html::Width::kWhole}, {"queries", true}};
  for (const auto& name : facts.names()) {
    const auto prefix = facts.has_several() ? name + ": " : "";
    table.columns.push_back({prefix + "R@1, %", true});
    table.columns.push_back({prefix + "R@5, %", true});
    table.columns.push_back({prefix + "mean rank", true});
  }
  table.columns.push_back({"of", false, html::Width::kWhole});
  for (const auto& subset : subsets_of(facts)) {
    std::vector<html::Cell> row = {foreign(subset.name), html::count_cell(subset.size())};
    for (const auto& questions : facts.t2v.runs) {
      std::vector<double> ranks;
      for (const auto& question : questions) ranks.push_back(question.rank + 1);
      const auto found =
          facts.estimates(facts.t2v, {hits(questions, 1), hits(questions, 5), ranks}, subset.chosen, kSubsetResamples);
      row.push_back(estimate_cell(found[0], 1));
      row.push_back(estimate_cell(found[1], 1));
      row.push_back(estimate_cell(found[2], 1));
    }
    row.emplace_back(subset.group);
    table.rows.push_back(std::move(row));
  }
  auto section = html::table(table);
  if (facts.report.media.duration_s.empty())
    section += words("Clips by length are left out: the lengths are not known, since no video was read.");
  return section +
         html::element(
             "p", {{"class", "soft"}},
             "An equal caption has the same words in the same order, articles, endings and punctuation aside.");
}

}  // namespace glint
