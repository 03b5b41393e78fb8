#pragma once

#include <torch/types.h>

#include <string>
#include <utility>
#include <vector>

#include "glint/config/train_config.h"
#include "glint/core/lap_timer.h"

namespace glint {

// How much of the machine a training step uses.
class MachineUse {
 public:
  // Finds out what is possible here: a GPU's data sheet says, elsewhere some products are timed.
  MachineUse(const TrainConfig& train, torch::Device device);

  // Of one step of this process, whose towers' blocks took `tower_macs` (RetrievalModel::image_macs(), text_macs()):
  // "tower_gflops" (a second; forward and backward, what is computed twice counted once),
  // "share_of_peak" (of a GPU: of its maker's figure for train.precision; else of the rate of large products of
  // train.precision on a GPU, of float32 on the CPU), "peak_mb" (of memory, so far), "gpu_peak_mb" (of a GPU's).
  std::vector<std::pair<std::string, double>> of(const LapTimer& step, double tower_macs) const;

 private:
  torch::Device device_;
  double peak_flops_;  // a second
};

}  // namespace glint
