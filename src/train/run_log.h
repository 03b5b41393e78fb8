#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "glint/config/config.h"
#include "glint/core/lap_timer.h"
#include "glint/core/progress.h"
#include "glint/datasets/dataset.h"
#include "glint/eval/evaluation.h"
#include "glint/train/batch_gradient.h"
#include "glint/train/metrics_log.h"
#include "glint/weights/checkpoint.h"
#include "train/machine_use.h"
#include "train/step_guard.h"

namespace glint {

// What one training step gives.
struct StepStats {
  int64_t step = 0;   // counted from 1
  int64_t epoch = 0;  // of its batch, from 0
  BatchLosses losses = {};
  GradientNorms norms = {};                                     // before the global clip
  std::vector<std::pair<std::string, double>> part_norms = {};  // of each loss's gradient; empty: not measured
  double lr = 0;                                                // of the new weights
  std::optional<double> loss_scale = {};                        // what the loss was multiplied by, with precision fp16
  StepVerdict verdict = StepVerdict::kSound;
  double tower_macs = 0;  // of this process
};

// What a run tells of itself: rank 0's metrics.jsonl with its event file, the line of progress and the words for
// people.
class RunLog {
 public:
  // Goes on behind `done` of all `steps`. `groups`: what the norms of a step are of.
  RunLog(const Config& config, const std::vector<ParameterGroup>& groups, MachineUse use, int64_t done, int64_t steps);

  void start(const Dataset& dataset, int64_t steps_per_epoch, int64_t processes, torch::Device device) const;
  // `logit_scale`: after the step; `timer`: where the step's time went.
  void step(const StepStats& stats, double logit_scale, const LapTimer& timer);
  // After the steps that `state` counts, which knows this result already.
  void validation(const Evaluation& result, const TrainState& state, int64_t steps_per_epoch);

 private:
  std::string train_split_, val_split_, select_;
  int64_t batch_size_;
  std::vector<std::string> groups_;  // "" where there are no parameters
  MetricsLog metrics_;
  MachineUse use_;
  Progress progress_;
};

}  // namespace glint
