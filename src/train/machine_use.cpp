#include "train/machine_use.h"

#include <sys/resource.h>
#include <torch/torch.h>

#include <algorithm>

#include "glint/device/device.h"
#include "glint/nn/linear.h"

namespace glint {
namespace {

constexpr int64_t kSide = 1024, kGpuSide = 8192;  // of the products that are timed
constexpr int kTries = 3;

double measured_peak(torch::Device device, torch::ScalarType type) {
  const torch::NoGradGuard no_grad;
  const auto side = device.is_cpu() ? kSide : kGpuSide;
  const auto ones = torch::ones({side, side}, torch::TensorOptions(device).dtype(type));
  double best = 0;
  for (int i = 0; i < kTries; ++i) {
    synchronise(device);
    LapTimer timer;
    fast_linear(ones, ones);
    synchronise(device);
    best = std::max(best, 2.0 * static_cast<double>(side * side * side) / timer.seconds());
  }
  return best;
}

double peak_of(torch::Device device, const TrainConfig& train) {
  if (device.is_cpu()) return measured_peak(device, torch::kFloat32);
  const auto type = train.precision == "bf16"   ? torch::kBFloat16
                    : train.precision == "fp16" ? torch::kHalf
                                                : torch::kFloat32;
  const auto known =
      known_peak_flops(find_gpus().gpus.at(static_cast<std::size_t>(device.index())).name, type, train.tf32);
  return known ? *known : measured_peak(device, type);
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

MachineUse::MachineUse(const TrainConfig& train, torch::Device device)
    : device_(device), peak_flops_(peak_of(device, train)) {}

std::vector<std::pair<std::string, double>> MachineUse::of(const LapTimer& step, double tower_macs) const {
  const double flops = 2 * tower_macs / seconds_in_towers(step);
  std::vector<std::pair<std::string, double>> use = {
      {"tower_gflops", flops / 1e9}, {"share_of_peak", flops / peak_flops_}, {"peak_mb", peak_mb()}};
  if (!device_.is_cpu()) use.emplace_back("gpu_peak_mb", static_cast<double>(peak_memory_bytes(device_)) / 1e6);
  return use;
}

}  // namespace glint
