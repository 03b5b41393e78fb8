#include "glint/report/comparison_table.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "glint/core/error.h"
#include "glint/core/json.h"
#include "glint/report/table.h"

namespace glint {
namespace {

using Json = nlohmann::ordered_json;
using Cells = std::vector<std::string>;

constexpr std::size_t kTextColumns = 2;  // metric and arm; numbers stand at the right

std::string correction_name(Correction correction) {
  if (correction == Correction::kHolm) return "Holm";
  return correction == Correction::kBenjaminiHochberg ? "Benjamini-Hochberg" : "none";
}
std::string correction_key(Correction correction) {
  return correction == Correction::kHolm ? "p_holm" : "p_bh";
}

std::string fixed(double value, int digits) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(digits) << value;
  return out.str();
}
std::string with_sign(double value, int digits) {
  const auto text = fixed(value, digits);
  if (text.find_first_not_of("-0.") == std::string::npos) return fixed(0, digits);  // no sign of what is no difference
  return text[0] == '-' ? text : "+" + text;
}
std::string p_text(double p) {
  return p < 0.0001 ? "<0.0001" : fixed(p, 4);
}

bool is_in_points(const std::string& metric) {
  return metric.find("R@") != std::string::npos || metric.find("RSum") != std::string::npos;
}
int digits_of(const std::string& metric) {
  return is_in_points(metric) ? 1 : metric.find("MnR") != std::string::npos ? 2 : 4;
}

std::string mean_text(double mean, const std::optional<double>& sd, int digits) {
  return fixed(mean, digits) + (sd ? " (sd " + fixed(*sd, digits) + ")" : "");
}

Cells header_of(const ComparisonReport& report) {
  Cells header = {"metric", "arm", "value", "difference", "95 % interval", "p"};
  if (report.options.correction != Correction::kNone)
    header.push_back("p (" + correction_name(report.options.correction) + ")");
  header.insert(header.end(), {"baseline only", "arm only", "test"});
  return header;
}

Cells row_of(const ComparisonReport& report, const std::string& arm, const MetricComparison& m) {
  const int digits = digits_of(m.metric);
  Cells row = {"",
               arm,
               mean_text(m.arm, m.arm_sd, digits),
               with_sign(m.difference, digits),
               with_sign(m.low, digits) + " to " + with_sign(m.high, digits),
               p_text(m.p)};
  if (report.options.correction != Correction::kNone) row.push_back(p_text(m.adjusted_p));
  row.push_back(m.baseline_only ? std::to_string(*m.baseline_only) : "");
  row.push_back(m.arm_only ? std::to_string(*m.arm_only) : "");
  row.push_back(m.test);
  return row;
}

// The header first; for every metric the baseline, then the arms.
std::vector<Cells> table_of(const ComparisonReport& report) {
  std::vector<Cells> table = {header_of(report)};
  for (std::size_t m = 0; m < report.comparisons.front().metrics.size(); ++m) {
    const auto& first = report.comparisons.front().metrics[m];
    Cells base(table.front().size());
    base[0] = first.metric;
    base[1] = report.base().name;
    base[2] = mean_text(first.baseline, first.baseline_sd, digits_of(first.metric));
    table.push_back(base);
    for (const auto& comparison : report.comparisons)
      table.push_back(row_of(report, comparison.arm, comparison.metrics[m]));
  }
  return table;
}

// What is unlike in how the arms were evaluated: one sentence a setting and arm.
std::vector<std::string> unlike_settings(const ComparisonReport& report) {
  std::vector<std::string> lines;
  for (const auto& arm : report.arms) {
    for (const auto& unlike : differing_settings(report.base().runs.front().signature, arm.runs.front().signature))
      lines.push_back(concat("Unlike evaluations: ", report.base().name, " has ", unlike.field, ":", unlike.a, ", ",
                             arm.name, " has ", unlike.field, ":", unlike.b, "."));
  }
  return lines;
}

std::string units_text(const MetricComparison& m) {
  return m.units == m.queries ? concat(m.queries, " queries")
                              : concat(m.units, " videos with ", m.queries, " captions");
}

std::string power_sentence(const std::string& arm, const MetricComparison& m) {
  const int digits = digits_of(m.metric);
  const std::string unit = is_in_points(m.metric) ? " points" : "";
  std::string line = concat(m.metric, ", ", arm, ": ", units_text(m));
  if (m.baseline_only) {
    const auto discordant = static_cast<double>(*m.baseline_only + *m.arm_only);
    line +=
        concat(", ", fixed(100 * discordant / static_cast<double>(m.queries), 1), " % right in one of the two only");
  }
  if (!m.smallest_significant) return line + "; so few decide that no difference is significant.";
  line += concat("; smallest significant difference ", fixed(*m.smallest_significant, digits), unit);
  if (m.found_in_80)
    line += concat(", a true difference of ", fixed(*m.found_in_80, digits), unit, " is found in 80 of 100 cases");
  return line + ".";
}

// One for the first metric of each direction: the others differ by how many queries decide.
std::vector<std::string> power_lines(const ComparisonReport& report) {
  std::vector<std::string> lines;
  for (const auto& comparison : report.comparisons) {
    std::string direction;
    for (const auto& metric : comparison.metrics) {
      if (metric.metric.substr(0, 3) == direction) continue;
      direction = metric.metric.substr(0, 3);
      lines.push_back(power_sentence(comparison.arm, metric));
    }
  }
  return lines;
}

std::vector<std::string> seed_lines(const ComparisonReport& report) {
  std::string known, unknown;
  std::size_t next = 0;
  for (std::size_t i = 0; i < report.arms.size(); ++i) {
    if (i == report.baseline) continue;
    auto& list = report.comparisons[next++].is_seed_noise_known ? known : unknown;
    if (list.empty()) list = concat(report.base().name, " ", report.base().runs.size());
    list += concat(", ", report.arms[i].name, " ", report.arms[i].runs.size());
  }
  std::vector<std::string> lines;
  if (!known.empty())
    lines.push_back(
        concat("Seeds: ", known, "; with s seeds the interval shows (s - 1)/s of the variance between trainings."));
  if (!unknown.empty())
    lines.push_back(concat("Seed noise unknown (seeds: ", unknown,
                           "): interval and p hold for these weights, not for another training; give 3 seeds an arm."));
  return lines;
}

std::vector<std::string> lines_below(const ComparisonReport& report) {
  auto lines = power_lines(report);
  const auto seeds = seed_lines(report);
  lines.insert(lines.end(), seeds.begin(), seeds.end());
  const auto arms = report.comparisons.size();
  lines.push_back(concat("Difference = arm - baseline; for MnR less is better. ", report.options.resampling.resamples,
                         " resamples, seed ", report.options.resampling.seed, "; correction ",
                         correction_name(report.options.correction), " over ", arms, arms == 1 ? " arm." : " arms."));
  lines.push_back(to_text(report.base().runs.front().signature));
  return lines;
}

// Characters, not bytes, so that names with accents align.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t width, bool is_left) {
  const std::string space(width - std::min(width, width_of(text)), ' ');
  return is_left ? text + space : space + text;
}

std::string aligned(const std::vector<Cells>& table) {
  std::vector<std::size_t> widths(table.front().size());
  for (const auto& row : table) {
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], width_of(row[c]));
  }
  std::string text;
  for (const auto& row : table) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c)
      line += (c == 0 ? "" : "  ") + padded(row[c], widths[c], c < kTextColumns || c + 1 == row.size());
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string escaped(const std::string& text, const std::string& special) {
  std::string result;
  for (const char c : text) {
    if (special.find(c) != std::string::npos) result += '\\';
    result += c;
  }
  return result;
}

// For LaTeX: what has a meaning there, and '<' in text fonts of old encodings.
std::string latex_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\textbackslash{}";
    } else if (c == '^' || c == '~') {
      result += concat("\\", c, "{}");
    } else if (c == '<' || c == '>') {
      result += concat("$", c, "$");
    } else {
      result += escaped(std::string(1, c), "_%&#${}");
    }
  }
  return result;
}

std::string joined(const Cells& cells, const std::string& between) {
  std::string text;
  for (std::size_t c = 0; c < cells.size(); ++c) text += (c == 0 ? "" : between) + cells[c];
  return text;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string all_digits(const std::optional<double>& value) {
  return value ? concat(std::setprecision(17), *value) : "";
}

Json optional_json(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json metric_json(const MetricComparison& m, Correction correction) {
  Json json = {{"a", m.baseline}, {"b", m.arm},     {"difference", m.difference},
               {"low", m.low},    {"high", m.high}, {"p", m.p}};
  if (correction != Correction::kNone) json[correction_key(correction)] = m.adjusted_p;
  json["test"] = m.test;
  json["a_only"] = m.baseline_only ? Json(*m.baseline_only) : Json(nullptr);
  json["b_only"] = m.arm_only ? Json(*m.arm_only) : Json(nullptr);
  if (m.baseline_sd) json["a_sd"] = *m.baseline_sd;
  if (m.arm_sd) json["b_sd"] = *m.arm_sd;
  json["units"] = m.units;
  json["queries"] = m.queries;
  return json;
}

Json comparison_object(const ArmComparison& comparison, Correction correction) {
  Json json = {{"arm", comparison.arm},
               {"seed_noise", comparison.is_seed_noise_known ? "in the interval and p" : "unknown"}};
  json["metrics"] = Json::object();
  json["smallest_significant"] = Json::object();
  json["found_in_80"] = Json::object();
  for (const auto& metric : comparison.metrics) {
    json["metrics"][metric.metric] = metric_json(metric, correction);
    json["smallest_significant"][metric.metric] = optional_json(metric.smallest_significant);
    json["found_in_80"][metric.metric] = optional_json(metric.found_in_80);
  }
  return json;
}

Json arms_json(const ComparisonReport& report) {
  Json arms = Json::array();
  for (const auto& arm : report.arms) {
    Json runs = Json::array();
    for (const auto& run : arm.runs) runs.push_back(run.folder.string());
    arms.push_back({{"name", arm.name}, {"runs", runs}, {"signature", to_text(arm.runs.front().signature)}});
  }
  return arms;
}

}  // namespace

std::string comparison_json(const ComparisonReport& report) {
  Json json;
  json["baseline"] = report.base().name;
  json["signature"] = to_text(report.base().runs.front().signature);
  // The first arm, which most often is the only one; `comparisons` has all.
  json.update(comparison_object(report.comparisons.front(), report.options.correction));
  json["comparisons"] = Json::array();
  for (const auto& comparison : report.comparisons)
    json["comparisons"].push_back(comparison_object(comparison, report.options.correction));
  json["arms"] = arms_json(report);
  json["unlike"] = unlike_settings(report);
  json["correction"] = correction_name(report.options.correction);
  json["seed"] = report.options.resampling.seed;
  json["resamples"] = report.options.resampling.resamples;
  // A folder's name may hold bytes that are not UTF-8: they are replaced rather than refused.
  return json_text(json, 2) + "\n";
}

std::string comparison_text(const ComparisonReport& report) {
  std::string text;
  for (const auto& line : unlike_settings(report)) text += line + "\n";
  text += aligned(table_of(report));
  for (const auto& line : lines_below(report)) text += line + "\n";
  return text;
}

std::string comparison_markdown(const ComparisonReport& report) {
  std::string text;
  for (const auto& line : unlike_settings(report)) text += escaped(line, "|*_<") + "\n\n";
  auto table = table_of(report);
  Cells rule;
  for (std::size_t c = 0; c < table.front().size(); ++c) rule.push_back(c < kTextColumns ? "---" : "---:");
  rule.back() = "---";
  table.insert(table.begin() + 1, rule);
  for (auto& row : table) {
    for (auto& cell : row) cell = escaped(cell, "|*_<");
    text += "| " + joined(row, " | ") + " |\n";
  }
  text += "\n";
  auto lines = lines_below(report);
  lines.back() = "`" + lines.back() + "`";  // the signature as it is
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) lines[i] = escaped(lines[i], "|*_<");
  for (const auto& line : lines) text += line + "\n\n";
  text.pop_back();
  return text;
}

html::Markup comparison_html(const ComparisonReport& report) {
  html::Markup markup;
  for (const auto& line : unlike_settings(report)) markup += html::element("p", line);
  const auto cells = table_of(report);
  html::Table table;
  table.caption = "Every run against " + report.base().name + ", query by query";
  for (std::size_t c = 0; c < cells.front().size(); ++c)
    table.columns.push_back({cells.front()[c], c >= kTextColumns && c + 1 < cells.front().size(), html::Width::kWhole});
  std::string metric;
  for (std::size_t r = 1; r < cells.size(); ++r) {
    if (!cells[r][0].empty()) metric = cells[r][0];
    std::vector<html::Cell> row(cells[r].begin(), cells[r].end());
    row[0] = html::Cell(metric);  // on each row, as readers sort them
    table.rows.push_back(std::move(row));
  }
  markup += html::table(table);
  auto lines = lines_below(report);
  lines.pop_back();  // the signature
  for (const auto& line : lines) markup += html::element("p", {{"class", "soft"}}, line);
  return markup;
}

std::string comparison_latex(const ComparisonReport& report) {
  std::string text;
  for (const auto& line : unlike_settings(report)) text += "% " + line + "\n";
  auto table = table_of(report);
  text += "\\begin{tabular}{ll" + std::string(table.front().size() - kTextColumns - 1, 'r') + "l}\n\\toprule\n";
  for (std::size_t r = 0; r < table.size(); ++r) {
    if (r > 1 && !table[r][0].empty()) text += "\\midrule\n";
    for (auto& cell : table[r]) cell = latex_text(cell);
    text += joined(table[r], " & ") + " \\\\\n";
    if (r == 0) text += "\\midrule\n";
  }
  text += "\\bottomrule\n\\end{tabular}\n";
  for (const auto& line : lines_below(report)) text += "% " + line + "\n";
  return text;
}

std::string comparison_csv(const ComparisonReport& report) {
  const auto correction = report.options.correction;
  std::string text = "metric,baseline,arm,a,a_sd,b,b_sd,difference,low,high,p";
  if (correction != Correction::kNone) text += "," + correction_key(correction);
  text += ",a_only,b_only,test,smallest_significant,found_in_80,units,queries\n";
  for (const auto& comparison : report.comparisons) {
    for (const auto& m : comparison.metrics) {
      Cells row = {m.metric, csv_field(report.base().name), csv_field(comparison.arm)};
      for (const auto& value :
           {std::optional(m.baseline), m.baseline_sd, std::optional(m.arm), m.arm_sd, std::optional(m.difference),
            std::optional(m.low), std::optional(m.high), std::optional(m.p)})
        row.push_back(all_digits(value));
      if (correction != Correction::kNone) row.push_back(all_digits(m.adjusted_p));
      row.push_back(m.baseline_only ? std::to_string(*m.baseline_only) : "");
      row.push_back(m.arm_only ? std::to_string(*m.arm_only) : "");
      row.push_back(csv_field(m.test));
      row.insert(row.end(), {all_digits(m.smallest_significant), all_digits(m.found_in_80), std::to_string(m.units),
                             std::to_string(m.queries)});
      text += joined(row, ",") + "\n";
    }
  }
  return text;
}

}  // namespace glint
