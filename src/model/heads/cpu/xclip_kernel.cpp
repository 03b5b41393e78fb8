#include "model/heads/cpu/xclip_kernel.h"

#include <limits>

#include "model/heads/cpu/vector_code.h"

namespace glint::cpu {
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

constexpr float kFarBelow = 1e4F;  // any similarity

// x_k, or what cannot be the largest where `kept` says that it takes no part; nullptr: all do.
GLINT_INLINE void load_seen(const float* x, const float* kept, int64_t k, Vector& seen) {
  seen = as_vector(x);
  if (kept != nullptr) seen += (as_vector(kept + k * kLanes) - 1) * kFarBelow;
}

// sum over k of x_k (softmax(x / temperature) M)_k for each lane; x_k lies at x + k * stride. Only x_k whose `kept` [n,
// lanes] is 1 take part, and the others are 0; nullptr: all. -> result [lanes]
GLINT_INLINE void attend(const float* x, int64_t n, int64_t stride, const float* transposed, float inverse_temperature,
                         const float* kept, float* weights, float* result) {
  Vector largest = Vector{} + std::numeric_limits<float>::lowest(), total = {}, seen;
  for (int64_t k = 0; k < n; ++k) {
    load_seen(x + k * stride, kept, k, seen);
    largest = seen > largest ? seen : largest;
  }
  for (int64_t k = 0; k < n; ++k) {
    alignas(64) float weight[kLanes];
    load_seen(x + k * stride, kept, k, seen);
    as_vector(weight) = (seen - largest) * inverse_temperature;
    for (int l = 0; l < kLanes; ++l) exp_negative<float, int32_t>(weight[l]);
    if (kept != nullptr) as_vector(weight) *= as_vector(kept + k * kLanes);
    as_vector(weights + k * kLanes) = as_vector(weight);
    total += as_vector(weight);
  }
  Vector sum = {};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) add_rows<8>(x, n, stride, transposed + i, weights + i * kLanes, sum);
  for (; i + 4 <= n; i += 4) add_rows<4>(x, n, stride, transposed + i, weights + i * kLanes, sum);
  for (; i < n; ++i) add_rows<1>(x, n, stride, transposed + i, weights + i * kLanes, sum);
  const Vector none = total == 0 ? Vector{} + 1 : Vector{};  // nothing takes part and nothing was added
  as_vector(result) = sum / (total + none);
}

}  // namespace

GLINT_CLONES void xclip_lanes(const XclipKernelMatrices& matrices, const float* local, const float* global,
                              const float* kept_words, float* scratch, float* scores) {
  const int64_t L = matrices.words, T = matrices.frames, row = L * kLanes;
  const float sharpness = matrices.inverse_temperature;
  float *of_words = scratch, *of_frames = of_words + L * kLanes, *weights = of_frames + T * kLanes;
  for (int64_t t = 0; t < T; ++t) {
    attend(local + t * row, L, kLanes, matrices.word_mat, sharpness, kept_words, weights, of_frames + t * kLanes);
  }
  for (int64_t i = 0; i < L; ++i) {
    attend(local + i * kLanes, T, row, matrices.frame_mat, sharpness, nullptr, weights, of_words + i * kLanes);
  }
  alignas(64) float word_level[kLanes], frame_level[kLanes], video_words[kLanes], sentence_frames[kLanes];
  attend(of_frames, T, kLanes, matrices.frame_mat2, sharpness, nullptr, weights, word_level);
  attend(of_words, L, kLanes, matrices.word_mat2, sharpness, kept_words, weights, frame_level);
  attend(local + T * row, L, kLanes, matrices.word_logit, sharpness, kept_words, weights, video_words);
  attend(global, T, kLanes, matrices.frame_logit, sharpness, nullptr, weights, sentence_frames);
  for (int l = 0; l < kLanes; ++l) {
    const float fine = (word_level[l] + frame_level[l]) / 2;
    scores[l] = (global[T * kLanes + l] + video_words[l] + sentence_frames[l] + fine) / 4;
  }
}

}  // namespace glint::cpu
