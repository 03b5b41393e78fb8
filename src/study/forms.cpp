#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

#include "glint/core/error.h"
#include "glint/core/json.h"
#include "glint/study/study_report.h"
#include "study/answers.h"
#include "study/tables.h"

// A study's report as Markdown, CSV, LaTeX and JSON.
namespace glint {
namespace {

using Json = nlohmann::ordered_json;

std::string markdown_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (std::string_view("|*_<`").find(c) != std::string_view::npos) result += '\\';
    result += c == '\n' ? ' ' : c;
  }
  return result;
}

void add_markdown(std::string& text, const study::ReportTable& table) {
  text += "## " + markdown_text(table.title) + "\n\n|";
  for (const auto& column : table.columns) text += " " + markdown_text(column) + " |";
  text += "\n|";
  for (std::size_t c = 0; c < table.columns.size(); ++c) text += c == 0 || table.is_all_text ? " --- |" : " ---: |";
  text += "\n";
  for (const auto& row : table.rows) {
    text += "|";
    for (const auto& cell : row) text += " " + markdown_text(cell) + " |";
    text += "\n";
  }
  for (const auto& note : table.notes) text += "\n" + markdown_text(note) + "\n";
  text += "\n";
}

std::string csv_text(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

class CsvRows {
 public:
  void add(const std::string& what, const std::string& arm, const std::string& value, const std::string& set,
           const std::string& seed, double number) {
    text_ += csv_text(what) + "," + csv_text(arm) + "," + csv_text(value) + "," + csv_text(set) + "," + seed + "," +
             concat(std::setprecision(17), number) + "\n";
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_ = "what,arm,value,set,run,number\n";
};

Json over_seeds(const OverSeeds& numbers) {
  Json json = {{"runs", numbers.values}};
  if (!numbers.values.empty()) json["mean"] = numbers.mean();
  json["sd"] = numbers.sd() ? Json(*numbers.sd()) : Json(nullptr);
  return json;
}

Json optional_numbers(const std::vector<std::optional<double>>& numbers) {
  Json json = Json::array();
  for (const auto& number : numbers) json.push_back(number ? Json(*number) : Json(nullptr));
  return json;
}

Json table_json(const ArmTable& table) {
  Json json = {{"vary", table.value}, {"set", table.set}};
  for (const auto& [arm, metrics] : table.metrics) {
    for (const auto& [metric, numbers] : metrics) json["arms"][arm][metric] = over_seeds(numbers);
  }
  if (!table.comparison.comparisons.empty()) json["comparison"] = Json::parse(comparison_json(table.comparison));
  return json;
}

}  // namespace

std::string study_markdown(const StudyReport& report) {
  std::string text = "# " + markdown_text(report.study.name) + "\n\n";
  if (!report.study.question.empty()) text += markdown_text(report.study.question) + "\n\n";
  for (const auto& answer : report.answers) text += "- " + markdown_text(answer) + "\n";
  text += "\n" + study::state_sentence(report) + "\n\n";
  for (const auto make : {study::overview_tables, study::accuracy_tables, study::convergence_tables, study::cost_tables,
                          study::loss_tables, study::cell_tables}) {
    for (const auto& table : make(report)) add_markdown(text, table);
  }
  text.pop_back();
  return text;
}

std::string study_csv(const StudyReport& report) {
  CsvRows rows;
  for (const auto& table : report.tables) {
    for (const auto& arm : table.comparison.arms) {
      for (const auto& [metric, numbers] : table.metrics.at(arm.name)) {
        for (std::size_t i = 0; i < numbers.values.size(); ++i)
          rows.add(metric, arm.name, table.value, table.set, std::to_string(i + 1), numbers.values[i]);
      }
    }
    for (const auto& comparison : table.comparison.comparisons) {
      for (const auto& m : comparison.metrics) {
        const std::pair<const char*, double> numbers[] = {
            {"difference", m.difference}, {"low", m.low}, {"high", m.high}, {"p", m.p}, {"p_holm", m.adjusted_p}};
        for (const auto& [name, number] : numbers)
          rows.add(m.metric + " " + name, comparison.arm, table.value, table.set, "", number);
      }
    }
  }
  for (const auto& arm : report.convergence) {
    for (std::size_t i = 0; i < arm.curves.size(); ++i) {
      for (const auto& [samples, score] : arm.curves[i])
        rows.add(concat(report.study.metric, " after ", samples, " pairs"), arm.arm, arm.value, "",
                 std::to_string(i + 1), score);
    }
  }
  for (const auto& cost : report.costs) rows.add("step_ms", cost.arm, cost.value, "", "", cost.step_ms);
  for (const auto& arm : report.loss_shares) {
    for (const auto& [part, share] : arm.shares)
      rows.add("gradient share of " + part, arm.arm, arm.value, "", "", share);
  }
  return rows.take();
}

std::string study_latex(const StudyReport& report) {
  std::string text;
  for (const auto& answer : report.answers) text += "% " + answer + "\n";
  for (const auto& table : report.tables) {
    if (table.comparison.comparisons.empty()) continue;
    text += concat("% ", table.set.empty() ? "own test split" : table.set,
                   table.value.empty() ? "" : ", " + table.value, "\n");
    text += comparison_latex(table.comparison) + "\n";
  }
  return text;
}

std::string study_json(const StudyReport& report) {
  Json json = {{"study", report.study.name},
               {"question", report.study.question},
               {"metric", report.study.metric},
               {"baseline", report.study.baseline().name},
               {"answers", report.answers}};
  json["cells"] = Json::array();
  for (const auto& [cell, status] : report.cells) {
    json["cells"].push_back({{"arm", report.study.arms[cell.arm].name},
                             {"seed", cell.seed},
                             {"vary", cell.value},
                             {"folder", cell.folder.string()},
                             {"state", to_text(status.state)},
                             {"note", status.note}});
  }
  json["tables"] = Json::array();
  for (const auto& table : report.tables) json["tables"].push_back(table_json(table));
  if (!report.convergence.empty()) json["common_target"] = report.common_target;
  json["convergence"] = Json::array();
  for (const auto& arm : report.convergence) {
    Json one = {{"arm", arm.arm},
                {"vary", arm.value},
                {"mean_height", over_seeds(arm.area)},
                {"data_wait", over_seeds(arm.data_wait)},
                {"curves", arm.curves}};
    for (const auto& reach : arm.reaches) {
      one["reached"][reach.target] = {{"samples", optional_numbers(reach.samples)},
                                      {"steps", optional_numbers(reach.steps)},
                                      {"seconds", optional_numbers(reach.seconds)}};
    }
    json["convergence"].push_back(std::move(one));
  }
  json["cost"] = Json::array();
  for (const auto& cost : report.costs) {
    json["cost"].push_back({{"arm", cost.arm},
                            {"vary", cost.value},
                            {"step_ms", cost.step_ms},
                            {"samples_per_s", cost.samples_per_s},
                            {"steps", cost.steps}});
  }
  json["gradient_shares"] = Json::array();
  for (const auto& arm : report.loss_shares) {
    Json one = {{"arm", arm.arm}, {"vary", arm.value}};
    for (const auto& [part, share] : arm.shares) one["shares"][part] = share;
    json["gradient_shares"].push_back(std::move(one));
  }
  return json_text(json, 2) + "\n";
}

}  // namespace glint
