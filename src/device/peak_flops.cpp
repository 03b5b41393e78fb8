#include <array>

#include "glint/device/device.h"

namespace glint {

namespace {

struct Peak {
  const char* name;        // part of the GPU's name
  double low, tf32, fp32;  // TFLOP/s, dense: bfloat16 and float16, TF32, float32
};

// The makers' data sheets; where they state figures with sparsity, half of these.
constexpr std::array<Peak, 5> kPeaks = {{{"H200", 989.4, 494.7, 67},
                                         {"H100 PCIe", 756, 378, 51},
                                         {"H100", 989.4, 494.7, 67},
                                         {"A100", 312, 156, 19.5},
                                         {"L40S", 362, 183, 91.6}}};

}  // namespace

std::optional<double> known_peak_flops(const std::string& gpu, torch::ScalarType type, bool tf32) {
  for (const auto& peak : kPeaks) {
    if (gpu.find(peak.name) == std::string::npos) continue;
    const bool is_low = type == torch::kBFloat16 || type == torch::kHalf;
    return 1e12 * (is_low ? peak.low : tf32 ? peak.tf32 : peak.fp32);
  }
  return std::nullopt;
}

}  // namespace glint
