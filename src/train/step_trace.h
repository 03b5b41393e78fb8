#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>

namespace glint {

// Records what the first steps do, operator by operator, as a file that chrome://tracing and ui.perfetto.dev open.
class StepTrace {
 public:
  // A GPU's kernels too, where `device` is one. 0 steps: nothing is recorded.
  StepTrace(std::filesystem::path path, int64_t steps, torch::Device device);
  ~StepTrace();  // writes what there is, where the run ends earlier
  StepTrace(const StepTrace&) = delete;
  StepTrace& operator=(const StepTrace&) = delete;

  void step_done();

 private:
  void write();

  std::filesystem::path path_;
  int64_t steps_left_;
};

}  // namespace glint
