#include "optim/adam_kernel.h"

#include <cmath>

namespace glint {

void adam_update(const AdamRule& rule, int64_t count, const float* __restrict gradient, float* __restrict m,
                 float* __restrict v, float* __restrict parameter) {
  const AdamRule r = rule;  // a copy that no store below can touch
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * r.gradient_scale;
    const float mi = m[i] * r.beta1 + r.one_minus_beta1 * g;
    const float vi = v[i] * r.beta2 + r.one_minus_beta2 * g * g;
    const float update = r.m_correction * mi / (r.v_correction * std::sqrt(vi) + r.eps) + r.weight_decay * parameter[i];
    m[i] = mi;
    v[i] = vi;
    parameter[i] -= r.lr * update;
  }
}

double sum_of_squares(const float* values, int64_t count) {
  constexpr int64_t kLanes = 8;  // independent sums, so that additions need not wait for one another
  double sums[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const double value = values[i + lane];
      sums[lane] += value * value;
    }
  }
  double sum = 0;
  for (; i < count; ++i) sum += static_cast<double>(values[i]) * values[i];
  for (const double lane : sums) sum += lane;
  return sum;
}

}  // namespace glint
