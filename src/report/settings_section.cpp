#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "glint/config/config_file.h"
#include "glint/core/error.h"
#include "glint/datasets/dataset.h"
#include "report/report_facts.h"

namespace glint {
namespace {

using html::element;
using html::foreign;
using html::Markup;

constexpr std::size_t kBadFilesShown = 200;

Markup counts_table(const ReportFacts& facts) {
  html::Table table;
  table.caption = "Videos and captions that were evaluated, against the published counts of the split";
  table.columns = {{"run"},
                   {"data"},
                   {"split"},
                   {"videos", true},
                   {"published", true},
                   {"captions", true},
                   {"published", true},
                   {"skipped clips", true}};
  for (const auto& run : facts.report.runs) {
    const auto& ranks = run.evaluation.ranks;
    std::optional<PublishedCounts> published;
    if (run.config) published = published_counts(run.config->data, run.results.word("split"));
    const bool has_videos = published && published->videos;
    table.rows.push_back({foreign(run.name), foreign(run.results.word("data")), foreign(run.results.word("split")),
                          html::count_cell(static_cast<long long>(ranks.gallery.size())),
                          has_videos ? html::count_cell(*published->videos) : html::Cell("none known"),
                          html::count_cell(static_cast<long long>(ranks.queries.size())),
                          published ? html::count_cell(published->captions) : html::Cell("none known"),
                          html::count_cell(static_cast<long long>(run.results.skipped.size()))});
  }
  return html::table(table);
}

Markup bad_files_of(const RunRecord& run) {
  if (run.bad_files.empty()) return {};
  html::Table table{"Bad files of " + run.name, {{"clip"}, {"cause"}}, {}, true};
  for (const auto& [clip, cause] : run.bad_files) {
    if (table.rows.size() < kBadFilesShown) table.rows.push_back({foreign(clip), foreign(cause)});
  }
  auto title =
      foreign(run.name) + concat(": ", run.bad_files.size(), run.bad_files.size() == 1 ? " bad file" : " bad files");
  if (run.bad_files.size() > kBadFilesShown)
    title += concat(" (the first ", kBadFilesShown, "; bad_files.jsonl names all)");
  return html::details(title, html::table(table));
}

Markup warnings_of(const RunRecord& run) {
  if (run.warnings.empty()) return {};
  std::vector<Markup> lines;
  for (const auto& line : run.warnings) lines.push_back(foreign(line));
  if (run.more_warnings > 0) lines.push_back(Markup(concat("and ", run.more_warnings, " more; log.txt has all")));
  return html::details(foreign(run.name) + ": warnings of its log", html::list(lines));
}

using Values = std::map<std::string, std::string>;

Values values_of_settings(const Config& config) {
  Values values;
  for (const auto& setting : list_settings(config)) {
    if (!setting.rule.is_of_machine && setting.key != "run.dir") values[setting.key] = setting.value;
  }
  return values;
}

std::string value_of(const Values& values, const std::string& key) {
  const auto found = values.find(key);
  return found == values.end() ? "" : found->second;
}

// Rows of the settings in which any run differs from `first`, the values of the first column.
Markup settings_table(const ReportFacts& facts, const std::string& caption, const std::string& first_name,
                      const std::vector<Values>& runs, const std::vector<Values>& firsts) {
  std::set<std::string> keys;
  for (const auto& values : runs) {
    for (const auto& [key, value] : values) keys.insert(key);
  }
  html::Table table;
  table.caption = caption;
  table.columns = {{"setting"}, {first_name}};
  table.has_filter = true;
  for (const auto& name : facts.names()) table.columns.push_back({name});
  for (const auto& key : keys) {
    std::vector<html::Cell> row = {Markup(key)};
    std::string first;
    bool differs = false;
    for (std::size_t r = 0; r < runs.size(); ++r) {
      const auto expected = value_of(firsts[r], key), value = value_of(runs[r], key);
      if (first.empty()) first = expected;
      if (runs[r].count(key) > 0) differs = differs || value != expected;
    }
    if (!differs) continue;
    row.emplace_back(foreign(first));
    for (const auto& values : runs) row.emplace_back(foreign(value_of(values, key)));
    table.rows.push_back(std::move(row));
  }
  return table.rows.empty() ? words("No setting differs.") : html::table(table);
}

// Defaults of the run's own head.
Config defaults_for(const Config& config) {
  Config defaults;
  for (const auto& head : all_heads()) {
    if (head_name(head) == head_name(config.head)) defaults.head = head;
  }
  return defaults;
}

Markup recipe_differences(const ReportFacts& facts) {
  std::vector<Values> runs, firsts;
  for (const auto& run : facts.report.runs) {
    if (!run.config) return words(foreign(run.name) + " has no config.yaml beside its evaluation.");
    runs.push_back(values_of_settings(*run.config));
    firsts.push_back(values_of_settings(facts.report.recipe ? *facts.report.recipe : defaults_for(*run.config)));
  }
  const auto name = facts.report.recipe ? facts.report.recipe_name : "glint's default";
  const auto caption =
      facts.report.recipe ? concat("Settings that differ from ", name) : "Settings that differ from glint's defaults";
  return settings_table(facts, caption + " (places of files and what a machine spends left out)", name, runs, firsts);
}

Markup run_differences(const ReportFacts& facts) {
  const auto& runs = facts.report.runs;
  if (!facts.has_several() || std::any_of(runs.begin(), runs.end(), [](const auto& run) { return !run.config; }))
    return {};
  std::set<std::string> keys;
  std::vector<Values> values;
  for (const auto& run : runs) {
    values.push_back(values_of_settings(*run.config));
    for (const auto& [key, value] : values.back()) keys.insert(key);
  }
  html::Table table{"Settings in which the runs differ", {{"setting"}}, {}};
  for (const auto& name : facts.names()) table.columns.push_back({name});
  for (const auto& key : keys) {
    if (std::all_of(values.begin(), values.end(),
                    [&](const auto& of) { return value_of(of, key) == value_of(values.front(), key); }))
      continue;
    std::vector<html::Cell> row = {Markup(key)};
    for (const auto& of : values) row.emplace_back(foreign(value_of(of, key)));
    table.rows.push_back(std::move(row));
  }
  return table.rows.empty() ? words("The runs have the same settings.") : html::table(table);
}

Markup versions_table(const ReportFacts& facts) {
  html::Table table;
  table.caption = "Versions";
  table.columns = {{""}};
  for (const auto& name : facts.names()) table.columns.push_back({name});
  const auto add = [&](const char* what, auto&& of_run) {
    std::vector<html::Cell> row = {Markup(what)};
    for (const auto& run : facts.report.runs) row.emplace_back(foreign(of_run(run)));
    table.rows.push_back(std::move(row));
  };
  add("glint that evaluated it", [](const auto& run) { return run.evaluation.signature.glint; });
  add("hash of the weights", [](const auto& run) { return run.results.word("model"); });
  add("hash of the settings", [](const auto& run) { return run.results.word("config_hash"); });
  add("weights", [](const auto& run) { return run.results.word("weights"); });
  return html::table(table);
}

// A word as a POSIX shell takes it.
std::string shell_word(const std::string& word) {
  const bool is_plain = !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string("_-./=:,@%+").find(static_cast<char>(c)) != std::string::npos;
  });
  if (is_plain) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

Markup commands(const ReportFacts& facts) {
  std::string text;
  for (const auto& run : facts.report.runs) {
    if (!run.config) continue;
    const auto folder = run.folder.string();
    const auto split = run.results.word("split");
    text += concat("glint train ", shell_word(folder + "/config.yaml"), " ", shell_word("run.dir=" + folder + "-again"),
                   "\n");
    text +=
        concat("glint eval ", shell_word(folder), split.empty() ? "" : " " + shell_word("eval.split=" + split), "\n");
  }
  text += facts.report.command;
  return element("h3", "To repeat it") + element("pre", text);
}

}  // namespace

Markup data_section(const ReportFacts& facts) {
  auto section = counts_table(facts);
  Markup lists;
  for (const auto& run : facts.report.runs) lists += bad_files_of(run) + warnings_of(run);
  bool has_bad = false;
  for (const auto& run : facts.report.runs) has_bad = has_bad || !run.bad_files.empty();
  if (!has_bad) section += words("No bad file was met.");
  return section + lists;
}

Markup settings_section(const ReportFacts& facts) {
  auto section = run_differences(facts) + recipe_differences(facts);
  for (const auto& run : facts.report.runs) {
    if (run.config)
      section +=
          html::details(Markup("All settings of ") + foreign(run.name), element("pre", config_text(*run.config)));
  }
  return section + versions_table(facts) + commands(facts);
}

}  // namespace glint
