#include "model/heads/pooling_kernel.h"

#include <algorithm>
#include <bit>
#include <limits>

// The loops over lanes become vector instructions; one copy a kind of processor, chosen when the program starts.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define GLINT_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GLINT_CLONES
#endif

namespace glint {
namespace {

// e^x for x <= 0 to about one unit in the last place: 2^n e^r with |r| <= ln(2) / 2, e^r by its series. Below -87 the
// result is 0 to 1e-37. A NaN stays one. No branch and no call, so that it becomes vector instructions.
inline __attribute__((always_inline)) float exp_negative(float x) {
  constexpr float kLog2E = 1.44269504F, kLn2High = 0x1.62e4p-1F, kLn2Low = 0x1.7f7d1cf8p-20F;
  constexpr float kRoundToInteger = 12582912.0F;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  x = std::max(x, -87.0F);
  const float shifted = x * kLog2E + kRoundToInteger;
  const float n = shifted - kRoundToInteger;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  float sum = 1.0F / 5040;
  sum = sum * r + 1.0F / 720;
  sum = sum * r + 1.0F / 120;
  sum = sum * r + 1.0F / 24;
  sum = sum * r + 1.0F / 6;
  sum = sum * r + 0.5F;
  sum = sum * r + 1.0F;
  sum = sum * r + 1.0F;
  const auto exponent = (std::bit_cast<int32_t>(shifted) + 127) << 23;  // the low bits of `shifted` hold n
  return sum * std::bit_cast<float>(exponent);
}

}  // namespace

GLINT_CLONES void pool_lanes(const PoolingVideo& video, float inverse_temperature, PoolingLanes& lanes) {
  float largest[kPoolingLanes];
  for (int l = 0; l < kPoolingLanes; ++l) {
    largest[l] = std::numeric_limits<float>::lowest();
    lanes.numerator[l] = lanes.square[l] = lanes.terms[l] = 0;
  }
  for (int64_t t = 0; t < video.count; ++t) {
    const float* dots = video.dots + video.frames[t] * video.stride;
    for (int l = 0; l < kPoolingLanes; ++l) largest[l] = std::max(largest[l], dots[l]);
  }
  for (int64_t t = 0; t < video.count; ++t) {
    const float* dots = video.dots + video.frames[t] * video.stride;
    const float* gram = video.gram + t * video.count;
    float* weights = lanes.weights + t * kPoolingLanes;
    float row[kPoolingLanes] = {};  // sum over u < t of 2 G_tu w_u
    for (int64_t u = 0; u < t; ++u) {
      const float* before = lanes.weights + u * kPoolingLanes;
      for (int l = 0; l < kPoolingLanes; ++l) row[l] += gram[u] * before[l];
    }
    for (int l = 0; l < kPoolingLanes; ++l) {
      const float weight = exp_negative((dots[l] - largest[l]) * inverse_temperature);
      const float term = gram[t] * weight * weight;
      weights[l] = weight;
      lanes.numerator[l] += weight * dots[l];
      lanes.terms[l] += term;
      lanes.square[l] += term + row[l] * weight;
    }
  }
}

}  // namespace glint
