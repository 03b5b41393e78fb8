#include "model/heads/cpu/pooling_kernel.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/heads/cpu/vector_code.h"

namespace glint::cpu {
namespace {

// |v| of lane l with v formed: what Note [cancelling frames] asks for.
double formed_norm(const PoolingVideo& video, const float* weights, const float* frames, int64_t width, int l) {
  double square = 0;
  for (int64_t d = 0; d < width; ++d) {
    double sum = 0;
    for (int64_t t = 0; t < video.count; ++t) {
      sum += static_cast<double>(weights[t * kPoolingLanes + l]) * frames[video.frames[t] * width + d];
    }
    square += sum * sum;
  }
  return std::sqrt(square);
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
      float weight = (dots[l] - largest[l]) * inverse_temperature;
      exp_negative<float, int32_t>(weight);
      const float term = gram[t] * weight * weight;
      weights[l] = weight;
      lanes.numerator[l] += weight * dots[l];
      lanes.terms[l] += term;
      lanes.square[l] += term + row[l] * weight;
    }
  }
}

GLINT_CLONES void inverse_norms(const PoolingVideo& video, const PoolingLanes& lanes, const float* frames,
                                int64_t width, int count, float* inverse) {
  int32_t cancelled[kPoolingLanes];
  for (int l = 0; l < kPoolingLanes; ++l) {
    cancelled[l] = lanes.square[l] >= kCancelled * lanes.terms[l] ? 0 : 1;
    inverse[l] = lanes.square[l] == 0 ? 0 : 1 / std::sqrt(lanes.square[l]);
  }
  int32_t any = 0;
  for (int l = 0; l < kPoolingLanes; ++l) any |= cancelled[l];
  if (any == 0) return;
  for (int l = 0; l < count; ++l) {
    if (cancelled[l] == 0) continue;
    const double norm = formed_norm(video, lanes.weights, frames, width, l);
    inverse[l] = norm == 0 ? 0 : static_cast<float>(1 / norm);
  }
}

}  // namespace glint::cpu
