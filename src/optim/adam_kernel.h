#pragma once

#include <cstdint>

namespace glint {

// One step for one tensor. BertAdam has both corrections at 1.
struct AdamRule {
  float lr;
  float weight_decay;
  float beta1;
  float one_minus_beta1;  // rounded from the double, as LibTorch does
  float beta2;
  float one_minus_beta2;
  float eps;
  float gradient_scale;  // the per-tensor clip
  float m_correction;    // AdamW: 1 / (1 - beta1^k)
  float v_correction;    //        1 / sqrt(1 - beta2^k)
};

// g <- scale g;  m <- b1 m + (1-b1) g;  v <- b2 v + (1-b2) g^2;  p <- p - lr (cm m / (cv sqrt(v) + eps) + decay p)
// in one pass, so that memory is read and written once. The gradient itself stays as it is.
void adam_update(const AdamRule& rule, int64_t count, const float* gradient, float* m, float* v, float* parameter);

double sum_of_squares(const float* values, int64_t count);

}  // namespace glint
