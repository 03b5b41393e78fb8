#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "glint/io/tensorboard_events.h"

namespace glint {

// What a run measures, as metrics.jsonl (one JSON object a line, one a training step or evaluation) and as an event
// file of TensorBoard's in the folder tensorboard/ beside it.
class MetricsLog {
 public:
  // Opens `path` for appending, and an event file of this start. Lines of steps after `step` (of a run that went on
  // after its last checkpoint and was then killed) and a last line cut short go: the resumed run writes those steps
  // again.
  MetricsLog(const std::filesystem::path& path, int64_t step);

  // Values in this order, "step" among the numbers; numbers that are not finite become null. `words` may name the
  // split, under which TensorBoard shows the numbers; else they stand under "train".
  void write(const std::vector<std::pair<std::string, double>>& numbers,
             const std::vector<std::pair<std::string, std::string>>& words = {});

 private:
  void write_events(const std::vector<std::pair<std::string, double>>& numbers,
                    const std::vector<std::pair<std::string, std::string>>& words);

  std::filesystem::path path_;
  std::ofstream out_;
  EventLog events_;
};

}  // namespace glint
