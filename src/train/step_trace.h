#pragma once

#include <cstdint>
#include <filesystem>

namespace glint {

// Records what the first steps do, operator by operator, as a file that chrome://tracing and ui.perfetto.dev open.
class StepTrace {
 public:
  StepTrace(std::filesystem::path path, int64_t steps);  // 0: nothing is recorded
  ~StepTrace();                                          // writes what there is, where the run ends earlier
  StepTrace(const StepTrace&) = delete;
  StepTrace& operator=(const StepTrace&) = delete;

  void step_done();

 private:
  void write();

  std::filesystem::path path_;
  int64_t steps_left_;
};

}  // namespace glint
