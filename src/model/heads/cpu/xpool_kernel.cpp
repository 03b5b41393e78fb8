#include "model/heads/cpu/xpool_kernel.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/heads/cpu/vector_code.h"

namespace glint::cpu {
namespace {

constexpr int kLanes = kXpoolLanes;

// x' F x of each lane, and the part of it that the diagonal gives; x [n, lanes].
GLINT_INLINE void square_of(const float* x, int64_t n, const float* form, float* square, float* diagonal) {
  for (int l = 0; l < kLanes; ++l) square[l] = diagonal[l] = 0;
  for (int64_t t = 0; t < n; ++t, form += n) {
    const float* own = x + t * kLanes;
    float row[kLanes] = {};  // sum over u < t of 2 F_tu x_u
    for (int64_t u = 0; u < t; ++u) {
      for (int l = 0; l < kLanes; ++l) row[l] += form[u] * x[u * kLanes + l];
    }
    for (int l = 0; l < kLanes; ++l) {
      const float term = form[t] * own[l] * own[l];
      diagonal[l] += term;
      square[l] += term + row[l] * own[l];
    }
  }
}

// Softmax over the frames. -> weights [T, lanes]
GLINT_INLINE void soften(const XpoolKernelVideo& video, float* weights) {
  float largest[kLanes], total[kLanes];
  for (int l = 0; l < kLanes; ++l) {
    largest[l] = std::numeric_limits<float>::lowest();
    total[l] = 0;
  }
  for (int64_t t = 0; t < video.frames; ++t) {
    for (int l = 0; l < kLanes; ++l) largest[l] = std::max(largest[l], video.dots[t * video.stride + l]);
  }
  for (int64_t t = 0; t < video.frames; ++t) {
    for (int l = 0; l < kLanes; ++l) {
      float weight = video.dots[t * video.stride + l] - largest[l];
      exp_negative<float, int32_t>(weight);
      weights[t * kLanes + l] = weight;
      total[l] += weight;
    }
  }
  for (int64_t t = 0; t < video.frames; ++t) {
    for (int l = 0; l < kLanes; ++l) weights[t * kLanes + l] /= total[l];
  }
}

}  // namespace

GLINT_CLONES void xpool_lanes(const XpoolKernelVideo& video, const XpoolKernelTexts& texts, float eps, float* scratch,
                              float* scores, float* kept) {
  const int64_t T = video.frames;
  float* weights = scratch;  // row T stays 1: the weight of h_0
  float square[kLanes], diagonal[kLanes], scale[kLanes];
  soften(video, weights);
  square_of(weights, T, video.of_attended, square, diagonal);
  for (int l = 0; l < kLanes; ++l) {
    kept[l] = square[l] / std::max(diagonal[l], std::numeric_limits<float>::min());
    scale[l] = 1 / std::sqrt(std::max(square[l], 0.0F) + eps);
  }
  float dot[kLanes], shift[kLanes];
  for (int l = 0; l < kLanes; ++l) {
    dot[l] = texts.start[l];
    shift[l] = video.shifts[T];
    weights[T * kLanes + l] = 1;
  }
  for (int64_t t = 0; t < T; ++t) {
    for (int l = 0; l < kLanes; ++l) {
      weights[t * kLanes + l] *= scale[l];
      dot[l] += weights[t * kLanes + l] * video.values[t * video.stride + l];
      shift[l] += weights[t * kLanes + l] * video.shifts[t];
    }
  }
  square_of(weights, T + 1, video.of_mixed, square, diagonal);
  float norm[kLanes];
  for (int l = 0; l < kLanes; ++l) {
    kept[l] = std::min(kept[l], square[l] / std::max(diagonal[l], std::numeric_limits<float>::min()));
    norm[l] = 1 / std::sqrt(std::max(square[l], 0.0F) + eps);
  }
  square_of(weights, T + 1, video.of_pooled, square, diagonal);
  for (int l = 0; l < kLanes; ++l) {
    const float whole = norm[l] * (norm[l] * square[l] + 2 * shift[l]) + video.square_shift;
    const float terms = norm[l] * norm[l] * diagonal[l] + video.square_shift;
    kept[l] = std::min(kept[l], whole / std::max(terms, std::numeric_limits<float>::min()));
    scores[l] = (norm[l] * dot[l] + texts.shift[l]) / std::sqrt(std::max(whole, std::numeric_limits<float>::min()));
  }
}

}  // namespace glint::cpu
