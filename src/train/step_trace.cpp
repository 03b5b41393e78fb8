#include "train/step_trace.h"

#include <torch/csrc/autograd/profiler_kineto.h>
#include <torch/torch.h>

#include <set>

#include "glint/core/log.h"

namespace glint {

namespace profiler = torch::autograd::profiler;

namespace {

profiler::ProfilerConfig config() {
  return profiler::ProfilerConfig(profiler::ProfilerState::KINETO, /*report_input_shapes=*/true,
                                  /*profile_memory=*/true);
}

}  // namespace

StepTrace::StepTrace(std::filesystem::path path, int64_t steps, torch::Device device)
    : path_(std::move(path)), steps_left_(steps) {
  if (steps_left_ == 0) return;
  std::set<profiler::ActivityType> activities = {profiler::ActivityType::CPU};
  if (device.is_cuda()) activities.insert(profiler::ActivityType::CUDA);
  profiler::prepareProfiler(config(), activities);
  profiler::enableProfiler(config(), activities);
}

StepTrace::~StepTrace() {
  if (steps_left_ > 0) write();
}

void StepTrace::step_done() {
  if (steps_left_ > 0 && --steps_left_ == 0) write();
}

void StepTrace::write() {
  profiler::disableProfiler()->save(path_.string());
  log_info("the trace of the first steps is ", path_.string(), "; chrome://tracing and ui.perfetto.dev open it");
}

}  // namespace glint
