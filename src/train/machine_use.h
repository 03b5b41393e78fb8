#pragma once

#include <string>
#include <utility>
#include <vector>

#include "glint/config/config.h"
#include "glint/core/lap_timer.h"
#include "glint/model/towers.h"

namespace glint {

// How much of the machine a training step uses.
class MachineUse {
 public:
  // Times some products, which tells what is possible here.
  MachineUse(const Config& config, const TowerSizes& sizes, int64_t pairs);

  // Of one step of this process: "tower_gflops" (a second; forward and backward, what is computed twice counted once),
  // "share_of_peak" (of the rate of large float32 products), "peak_mb" (of memory, so far).
  std::vector<std::pair<std::string, double>> of(const LapTimer& step) const;

 private:
  double peak_flops_;   // a second
  double tower_flops_;  // of a step
};

}  // namespace glint
