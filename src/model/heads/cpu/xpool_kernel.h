#pragma once

#include <cstdint>

namespace glint::cpu {

constexpr int kXpoolLanes = 16;  // texts that one call treats side by side

// Of a quadratic form of n vectors [n, n] only the lower triangle is read, and everything off the diagonal is doubled.
struct XpoolKernelVideo {
  int64_t frames;       // T
  const float* dots;    // [T, stride]: <q, k_t> of the texts, the first kXpoolLanes are used
  const float* values;  // [T, stride]: <g x, h_t>
  int64_t stride;
  const float* of_attended;  // form [T, T] of u_t: mean squares of o
  const float* of_mixed;     // form [T+1, T+1] of h_t and h_0: mean squares of s
  const float* of_pooled;    // form [T+1, T+1] of g h_t and g h_0: squares of g s
  const float* shifts;       // [T+1]: <g h_t, b>, <g h_0, b>
  float square_shift;        // <b, b>
};

// The two dot products of a text that no video changes: <g x, h_0> and <x, b>; kXpoolLanes each.
struct XpoolKernelTexts {
  const float *start, *shift;
};

// The cosines <x, z> / |z| of methods 5.2 in Gram form (Note [X-Pool in Gram form]). `scratch`, aligned to 64 bytes,
// holds (T+1) * kXpoolLanes floats; its first T rows keep multiples of the frames' softmax weights. kept[l] is the
// smallest share that a square kept of the sum of its diagonal terms: where it is small, digits were lost.
void xpool_lanes(const XpoolKernelVideo& video, const XpoolKernelTexts& texts, float eps, float* scratch, float* scores,
                 float* kept);

}  // namespace glint::cpu
