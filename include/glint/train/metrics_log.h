#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace glint {

// metrics.jsonl: one JSON object a line, one a training step or evaluation.
class MetricsLog {
 public:
  // Opens for appending. Lines of steps after `step` (of a run that went on after its last checkpoint and was then
  // killed) and a last line cut short go: the resumed run writes those steps again.
  MetricsLog(const std::filesystem::path& path, int64_t step);

  // Values in this order; numbers that are not finite become null.
  void write(const std::vector<std::pair<std::string, double>>& numbers,
             const std::vector<std::pair<std::string, std::string>>& words = {});

 private:
  std::filesystem::path path_;
  std::ofstream out_;
};

}  // namespace glint
