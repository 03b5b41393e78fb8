#pragma once

#include <cstdint>

namespace glint::cpu {

constexpr int kPoolingLanes = 32;  // texts or words that one call treats side by side

// One video as the kernel wants it.
struct PoolingVideo {
  const float* dots;  // [T, stride]: row t holds <c, V_t> of every text, the first kPoolingLanes are used
  int64_t stride;
  const int32_t* frames;  // [count] the frames that the mask leaves
  int64_t count;
  const float* gram;  // [count, count]: the Gram matrix of those frames, off the diagonal times 2; only u <= t is read
};

// weights [count, kPoolingLanes] receives exp((dot - largest dot) * inverse_temperature), not normalised: the cosine
// does not see the sum. With w the weights of a lane: numerator = <c, v>, square = |v|^2 = w' G w, terms = sum of w_t^2
// G_tt.
struct PoolingLanes {
  float* weights;
  float numerator[kPoolingLanes];
  float square[kPoolingLanes];
  float terms[kPoolingLanes];
};
void pool_lanes(const PoolingVideo& video, float inverse_temperature, PoolingLanes& lanes);

// 1 / |v| of the first `count` lanes after pool_lanes(), 0 where v is zero. frames [T, width] are those of this video.
void inverse_norms(const PoolingVideo& video, const PoolingLanes& lanes, const float* frames, int64_t width, int count,
                   float* inverse);

// Note [cancelling frames]: w' G w loses digits where the weighted frames cancel. Where it falls below this share of
// the sum of its diagonal terms, the pair's v is formed after all; with real features that happens to hardly a pair.
constexpr float kCancelled = 1.0F / 16;

}  // namespace glint::cpu
