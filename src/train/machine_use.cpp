#include "train/machine_use.h"

#include <sys/resource.h>
#include <torch/torch.h>

#include <algorithm>

#include "glint/nn/affine.h"
#include "glint/train/train_plan.h"

namespace glint {
namespace {

constexpr int64_t kSide = 1024;  // of the products that are timed
constexpr int kTries = 3;

double measured_peak() {
  const torch::NoGradGuard no_grad;
  const auto a = torch::ones({kSide, kSide}), b = torch::ones({kSide, kSide});
  double best = 0;
  for (int i = 0; i < kTries; ++i) {
    LapTimer timer;
    affine(a, b);
    best = std::max(best, 2.0 * kSide * kSide * kSide / timer.seconds());
  }
  return best;
}

double seconds_in_towers(const LapTimer& step) {
  double seconds = 0;
  for (const auto& [part, part_s] : step.parts()) {
    if (part == "towers" || part == "backward") seconds += part_s;
  }
  return seconds;
}

double peak_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;  // Linux counts in KiB
}

}  // namespace

MachineUse::MachineUse(const Config& config, const TowerSizes& sizes, int64_t pairs)
    : peak_flops_(measured_peak()), tower_flops_(3 * 2 * static_cast<double>(pairs) * tower_macs(config, sizes)) {}

std::vector<std::pair<std::string, double>> MachineUse::of(const LapTimer& step) const {
  const double flops = tower_flops_ / seconds_in_towers(step);
  return {{"tower_gflops", flops / 1e9}, {"share_of_peak", flops / peak_flops_}, {"peak_mb", peak_mb()}};
}

}  // namespace glint
