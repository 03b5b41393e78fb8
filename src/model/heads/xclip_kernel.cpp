#include "model/heads/xclip_kernel.h"

#include "model/heads/vector_code.h"

namespace glint {
namespace {

constexpr int kLanes = kXclipLanes;
using Vector = float __attribute__((vector_size(kLanes * sizeof(float)), may_alias));

GLINT_INLINE const Vector& as_vector(const float* lanes) {
  return *reinterpret_cast<const Vector*>(lanes);
}
GLINT_INLINE Vector& as_vector(float* lanes) {
  return *reinterpret_cast<Vector*>(lanes);
}

// sum += sum over rows i in [0, kRows) of weights_i * sum over k of M_ik x_k; `transposed` points to M_0k of k = 0.
template <int kRows>
GLINT_INLINE void add_rows(const float* x, int64_t n, int64_t stride, const float* transposed, const float* weights,
                           Vector& sum) {
  Vector rows[kRows] = {};
  for (int64_t k = 0; k < n; ++k) {
    const Vector& value = as_vector(x + k * stride);
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) rows[i] += transposed[k * n + i] * value;
  }
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) sum += rows[i] * as_vector(weights + i * kLanes);
}

// sum over k of x_k (softmax(x / temperature) M)_k for each lane; x_k lies at x + k * stride. -> result [lanes]
GLINT_INLINE void attend(const float* x, int64_t n, int64_t stride, const float* transposed, float inverse_temperature,
                         float* weights, float* result) {
  Vector largest = as_vector(x), total = {};
  for (int64_t k = 1; k < n; ++k) {
    const Vector& value = as_vector(x + k * stride);
    largest = value > largest ? value : largest;
  }
  for (int64_t k = 0; k < n; ++k) {
    alignas(64) float weight[kLanes];
    as_vector(weight) = (as_vector(x + k * stride) - largest) * inverse_temperature;
    for (int l = 0; l < kLanes; ++l) exp_negative<float, int32_t>(weight[l]);
    as_vector(weights + k * kLanes) = as_vector(weight);
    total += as_vector(weight);
  }
  Vector sum = {};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) add_rows<8>(x, n, stride, transposed + i, weights + i * kLanes, sum);
  for (; i + 4 <= n; i += 4) add_rows<4>(x, n, stride, transposed + i, weights + i * kLanes, sum);
  for (; i < n; ++i) add_rows<1>(x, n, stride, transposed + i, weights + i * kLanes, sum);
  as_vector(result) = sum / total;
}

}  // namespace

GLINT_CLONES void xclip_lanes(const XclipKernelMatrices& matrices, const float* local, const float* global,
                              float* scratch, float* scores) {
  const int64_t L = matrices.words, T = matrices.frames, row = L * kLanes;
  const float sharpness = matrices.inverse_temperature;
  float *of_words = scratch, *of_frames = of_words + L * kLanes, *weights = of_frames + T * kLanes;
  for (int64_t t = 0; t < T; ++t) {
    attend(local + t * row, L, kLanes, matrices.word_mat, sharpness, weights, of_frames + t * kLanes);
  }
  for (int64_t i = 0; i < L; ++i) {
    attend(local + i * kLanes, T, row, matrices.frame_mat, sharpness, weights, of_words + i * kLanes);
  }
  alignas(64) float word_level[kLanes], frame_level[kLanes], video_words[kLanes], sentence_frames[kLanes];
  attend(of_frames, T, kLanes, matrices.frame_mat2, sharpness, weights, word_level);
  attend(of_words, L, kLanes, matrices.word_mat2, sharpness, weights, frame_level);
  attend(local + T * row, L, kLanes, matrices.word_logit, sharpness, weights, video_words);
  attend(global, T, kLanes, matrices.frame_logit, sharpness, weights, sentence_frames);
  for (int l = 0; l < kLanes; ++l) {
    const float fine = (word_level[l] + frame_level[l]) / 2;
    scores[l] = (global[T * kLanes + l] + video_words[l] + sentence_frames[l] + fine) / 4;
  }
}

}  // namespace glint
