#include "glint/train/metrics_log.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"

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

MetricsLog::MetricsLog(const std::filesystem::path& path, int64_t step) : path_(path) {
  if (std::filesystem::exists(path)) write_file(path, lines_until(read_file(path), step));
  out_.open(path, std::ios::app);
  if (!out_) throw Error(errno_text(path));
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
  out_ << line.dump() << std::endl;  // each line must survive a kill
  if (!out_) throw Error(path_.string(), ": cannot be written; is the disk full?");
}

}  // namespace glint
