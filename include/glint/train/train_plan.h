#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "glint/config/config.h"
#include "glint/model/towers.h"

namespace glint {

// What a training will do and need, found out without reading a video: for glint train --dry-run.
struct TrainPlan {
  struct Group {
    std::string name;  // of parameter_groups()
    double lr;
    int64_t parameters;
  };

  int64_t clips = 0, captions = 0;
  int64_t missing_videos = 0;  // clips whose video is not there; the plan is as if they were
  std::string video_folder;    // where they were looked for
  int64_t steps_per_epoch = 0, steps = 0;
  int64_t processes = 1;
  int64_t pairs_per_process = 0;  // of a batch
  int64_t pairs_at_once = 0;      // in the towers

  int64_t parameters = 0;     // all
  std::vector<Group> groups;  // those that are trained

  // Bytes of one process.
  int64_t weights = 0, gradients = 0, moments = 0, average = 0;
  int64_t checkpoint_copy = 0;  // at most: of what is not written when the next step is done
  int64_t activations = 0;      // about, of the towers; the heads' working memory is small beside it
  int64_t batches = 0;          // decoded ahead
  int64_t clip_cache = 0;
  int64_t memory() const {
    return weights + gradients + moments + average + checkpoint_copy + activations + batches + clip_cache;
  }

  int64_t checkpoint = 0;          // bytes on the disk of one
  int64_t kept_checkpoints = 0;    // bytes on the disk of all that are kept, with the one being written
  double tower_macs_per_step = 0;  // of all processes, forward and backward, of clips without padding

  std::optional<double> step_s;  // seconds a step, where the run folder has measured some
  std::string measured_in;       // the file that tells
  std::optional<double> hours() const;
};

// Builds data set, tokenizer and model as the training would, but for the videos, which need not be there. Throws what
// that would throw.
TrainPlan plan_training(const Config& config, int64_t processes);

std::string plan_text(const TrainPlan& plan);
std::string plan_json(const TrainPlan& plan);

}  // namespace glint
