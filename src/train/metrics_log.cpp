#include "glint/train/metrics_log.h"
#include "glint/core/json.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"

namespace glint {
namespace {

using Json = nlohmann::ordered_json;

// The lines up to `step`.
std::string lines_until(const std::string& text, int64_t step) {
  std::istringstream in(text);
  std::string kept;
  for (std::string line; std::getline(in, line);) {
    const auto value = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!value.is_object() || !value.contains("step") || !value["step"].is_number()) continue;
    if (value["step"].get<double>() <= static_cast<double>(step)) kept += line + "\n";
  }
  return kept;
}

}  // namespace

MetricsLog::MetricsLog(const std::filesystem::path& path, int64_t step)
    : path_(path), events_(path.parent_path() / "tensorboard", step) {
  if (files::exists(path)) write_file(path, lines_until(read_file(path), step));
  out_.open(path, std::ios::app);
  if (!out_) throw_errno(path.string(), errno);
}

void MetricsLog::write(const std::vector<std::pair<std::string, double>>& numbers,
                       const std::vector<std::pair<std::string, std::string>>& words) {
  Json line;
  for (const auto& [name, word] : words) line[name] = word;
  for (const auto& [name, number] : numbers) {
    const bool whole = number == std::floor(number) && std::abs(number) < 1e15;
    if (whole) {
      line[name] = static_cast<int64_t>(number);
    } else if (std::isfinite(number)) {
      line[name] = number;
    } else {
      line[name] = nullptr;
    }
  }
  out_ << json_text(line) << std::endl;  // each line must survive a kill
  if (!out_) throw Error(path_.string(), ": cannot be written; is the disk full?");
  write_events(numbers, words);
}

void MetricsLog::write_events(const std::vector<std::pair<std::string, double>>& numbers,
                              const std::vector<std::pair<std::string, std::string>>& words) {
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  const auto split = std::find_if(words.begin(), words.end(), [](const auto& word) { return word.first == "split"; });
  const auto group = split == words.end() ? std::string("train") : split->second;
  const auto step = std::find_if(numbers.begin(), numbers.end(), [](const auto& one) { return one.first == "step"; });
  if (step == numbers.end()) return;
  for (const auto& [name, number] : numbers) {
    if (name != "step") events_.scalar(concat(group, "/", name), number, static_cast<int64_t>(step->second), now);
  }
}

}  // namespace glint
