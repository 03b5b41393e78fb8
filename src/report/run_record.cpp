#include "glint/report/run_record.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "glint/config/config_file.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/json.h"
#include "glint/core/text_file.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kStepsRead = 4'000;  // of longer logs every n-th step: a chart has no more places
constexpr std::size_t kWarningsKept = 20;

using Numbers = std::map<std::string, double>;

Numbers numbers_in(const nlohmann::json& object) {
  Numbers numbers;
  for (const auto& [key, value] : object.items()) {
    if (value.is_number()) numbers[key] = value.get<double>();
  }
  return numbers;
}

const nlohmann::json* find_object(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? &*found : nullptr;
}

RunResults read_results(const fs::path& file) {
  const auto object = parse_json_object(read_text(file), file.string());
  RunResults results;
  results.numbers = numbers_in(object);
  for (const auto& [key, value] : object.items()) {
    if (value.is_string()) results.words[key] = value.get<std::string>();
  }
  const auto* raw = find_object(object, "raw");
  for (const char* direction : {"t2v", "v2t"}) {
    if (const auto* metrics = find_object(object, direction)) results.metrics[direction] = numbers_in(*metrics);
    const auto* metrics = raw != nullptr ? find_object(*raw, direction) : nullptr;
    if (metrics != nullptr) results.metrics[concat("raw ", direction)] = numbers_in(*metrics);
  }
  if (const auto* tags = find_object(object, "t2v_of_tag")) {
    for (const auto& [tag, metrics] : tags->items()) {
      if (metrics.is_object()) results.of_tag[tag] = numbers_in(metrics);
    }
  }
  const auto skipped = object.find("skipped_clips");
  if (skipped != object.end() && skipped->is_array()) {
    for (const auto& clip : *skipped) {
      if (clip.is_object()) results.skipped.emplace_back(clip.value("clip", ""), clip.value("cause", ""));
    }
  }
  return results;
}

// Lines of metrics.jsonl, in their order. A step that was written again counts as it was written last.
class LogReader {
 public:
  explicit LogReader(const fs::path& file) : file_(file) {}

  TrainingLog read() {
    const auto text = read_text(file_);
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    const auto every = std::max<std::size_t>(1, (lines + kStepsRead - 1) / kStepsRead);
    const bool is_whole = text.empty() || text.back() == '\n';
    for_each_line(text, [&](std::string_view line, std::int64_t number) {
      if (line.empty()) return;
      // A killed run leaves half a last line.
      if (!is_whole && line.data() + line.size() == text.data() + text.size()) return;
      const bool is_step = line.find("\"split\"") == std::string_view::npos;
      if (is_step && every > 1 && static_cast<std::size_t>(number) % every != 1) return;
      take(parse_json_object(line, file_.string(), number));
    });
    return std::move(log_);
  }

 private:
  void take(const nlohmann::json& object) {
    const auto numbers = numbers_in(object);
    const auto step = numbers.find("step");
    if (step == numbers.end()) return;
    const auto split = object.find("split");
    auto& columns =
        split != object.end() && split->is_string() ? log_.evaluations[split->get<std::string>()] : log_.training;
    for (const auto& [key, value] : numbers) {
      if (key == "step") continue;
      auto& column = columns[key];
      while (!column.step.empty() && column.step.back() >= step->second) {
        column.step.pop_back();
        column.value.pop_back();
      }
      column.step.push_back(step->second);
      column.value.push_back(value);
    }
    log_.steps = std::max(log_.steps, static_cast<std::int64_t>(step->second));
  }

  fs::path file_;
  TrainingLog log_;
};

std::vector<std::pair<std::string, std::string>> read_bad_files(const fs::path& file) {
  std::vector<std::pair<std::string, std::string>> clips;
  const auto text = read_text(file);
  for_each_line(text, [&](std::string_view line, std::int64_t number) {
    if (line.empty()) return;
    const auto object = parse_json_object(line, file.string(), number);
    if (object.contains("clip") && object["clip"].is_string())
      clips.emplace_back(object["clip"].get<std::string>(), object.value("cause", ""));
  });
  return clips;
}

// log.txt may hold any bytes that a library printed.
void read_warnings(const fs::path& file, RunRecord& record) {
  const auto text = read_file(file);
  for_each_line(text, [&](std::string_view line, std::int64_t) {
    const auto is_of = [&](const char* level) { return line.find(level) < 26; };  // behind the time
    if (!is_of(" warning ") && !is_of(" error ")) return;
    if (record.warnings.size() < kWarningsKept) {
      record.warnings.emplace_back(line);
    } else {
      ++record.more_warnings;
    }
  });
}

}  // namespace

std::string RunResults::word(const std::string& key) const {
  const auto found = words.find(key);
  return found == words.end() ? std::string() : found->second;
}

std::vector<std::string> TrainingLog::loss_parts() const {
  static const std::set<std::string> kOthers = {
      "epoch",         "loss",          "lr",           "grad_norm",  "logit_scale",
      "logit_bias",    "samples_per_s", "samples_seen", "data_wait",  "tower_gflops",
      "share_of_peak", "peak_mb",       "gpu_peak_mb",  "loss_scale", "left_out"};
  std::vector<std::string> parts;
  for (const auto& [key, column] : training) {
    if (kOthers.count(key) == 0 && key.find('/') == std::string::npos) parts.push_back(key);
  }
  return parts;
}

RunRecord read_run_record(const std::string& name, const fs::path& run, const fs::path& evaluation) {
  RunRecord record;
  record.name = name;
  record.folder = run;
  record.evaluation = read_compared_run(evaluation);
  record.results = read_results(evaluation / "results.json");
  if (files::exists(run / "metrics.jsonl")) record.log = LogReader(run / "metrics.jsonl").read();
  if (files::exists(run / "config.yaml")) record.config = read_config(run / "config.yaml", {});
  if (files::exists(run / "bad_files.jsonl")) record.bad_files = read_bad_files(run / "bad_files.jsonl");
  if (files::exists(run / "log.txt")) read_warnings(run / "log.txt", record);
  return record;
}

}  // namespace glint
