#include "model/heads/cpu/glccl_kernel.h"

#include <algorithm>
#include <limits>

#include "model/heads/cpu/vector_code.h"

namespace glint::cpu {
namespace {

constexpr int kLanes = 16;
using Floats = float __attribute__((vector_size(4 * kLanes)));
using Ints = int32_t __attribute__((vector_size(4 * kLanes)));
using LooseFloats = float __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));
static_assert(kVideoLanes == kLanes && kPoolingLanes == 2 * kLanes);

constexpr int kRows = 8;        // of a product held in registers
constexpr int64_t kDepth = 32;  // terms of a sum at most

GLINT_INLINE void load(Floats& to, const float* from) {
  to = *reinterpret_cast<const LooseFloats*>(from);
}
GLINT_INLINE void store(float* to, const Floats& from) {
  *reinterpret_cast<LooseFloats*>(to) = from;
}

// A matrix whose columns are the rows of a product's left side: element (k, r) at from[k * stride + r].
struct Matrix {
  const float* from;
  int64_t stride;
};

// sums[r][v] = sum over k < depth of left(k, r) * right(k, lane v)
template <int Rows, int Vectors>
GLINT_INLINE void multiply(const Matrix& left, const Matrix& right, int64_t depth, Floats (&sums)[Rows][Vectors]) {
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) sums[r][v] = Floats{};
  }
  for (int64_t k = 0; k < depth; ++k) {
    const float* row = left.from + k * left.stride;
    Floats lanes[Vectors];
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) load(lanes[v], right.from + k * right.stride + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) sums[r][v] += row[r] * lanes[v];
    }
  }
}

// to[r, lanes] = the product above, for some rows. In parts of kDepth, whose sums are added up: the softmaxes behind it
// magnify a rounding a hundred times, and one long sum of 64 terms rounds half as much again.
template <int Rows, int Vectors>
GLINT_INLINE void multiply_rows(const Matrix& left, const Matrix& right, int64_t depth, float* to) {
  int64_t k = 0;
  do {  // once where there is nothing to add up: the rows become 0
    Floats sums[Rows][Vectors], before;
    multiply<Rows, Vectors>({left.from + k * left.stride, left.stride}, {right.from + k * right.stride, right.stride},
                            std::min(kDepth, depth - k), sums);
    for (int r = 0; r < Rows; ++r) {
      for (int v = 0; v < Vectors; ++v) {
        float* part = to + r * right.stride + v * kLanes;
        if (k > 0) {
          load(before, part);
          sums[r][v] += before;
        }
        store(part, sums[r][v]);
      }
    }
    k += kDepth;
  } while (k < depth);
}

// to [N, N lanes] = left^T right, both [depth, N]; `to` has the stride of `right`.
template <int Vectors>
GLINT_INLINE void product(const Matrix& left, const Matrix& right, int64_t depth, int64_t N, float* to) {
  int64_t r = 0;
  for (; r + kRows <= N; r += kRows) {
    multiply_rows<kRows, Vectors>({left.from + r, left.stride}, right, depth, to + r * right.stride);
  }
  for (; r < N; ++r) multiply_rows<1, Vectors>({left.from + r, left.stride}, right, depth, to + r * right.stride);
}

// The running sums of one level of attention over scores.
template <int Vectors>
struct Level {
  Floats largest[Vectors], numerator[Vectors], denominator[Vectors];
};

// Rows [k, k + Rows) of x take their part.
template <int Rows, int Vectors>
GLINT_INLINE void attend_rows(const Matrix& x, const float* matrix, int64_t N, int64_t k, float inverse_temperature,
                              Level<Vectors>& level) {
  Floats sums[Rows][Vectors];
  multiply<Rows, Vectors>({matrix + k, N}, x, N, sums);
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) {
      Floats weight;
      load(weight, x.from + (k + r) * x.stride + v * kLanes);
      weight = (weight - level.largest[v]) * inverse_temperature;
      exp_negative<Floats, Ints>(weight);
      level.numerator[v] += weight * sums[r][v];
      level.denominator[v] += weight;
    }
  }
}

// For every lane: sum_i softmax_i (M x)_i over the N rows of x; `matrix` is M transposed.
template <int Vectors>
GLINT_INLINE void attend(const Matrix& x, const float* matrix, int64_t N, float inverse_temperature, float* to) {
  Level<Vectors> level;
  for (int v = 0; v < Vectors; ++v) {
    level.largest[v] = Floats{} + std::numeric_limits<float>::lowest();
    level.numerator[v] = level.denominator[v] = Floats{};
  }
  for (int64_t k = 0; k < N; ++k) {
    for (int v = 0; v < Vectors; ++v) {
      Floats value;
      load(value, x.from + k * x.stride + v * kLanes);
      level.largest[v] = level.largest[v] < value ? value : level.largest[v];
    }
  }
  int64_t k = 0;
  for (; k + kRows <= N; k += kRows) attend_rows<kRows, Vectors>(x, matrix, N, k, inverse_temperature, level);
  for (; k < N; ++k) attend_rows<1, Vectors>(x, matrix, N, k, inverse_temperature, level);
  for (int v = 0; v < Vectors; ++v) store(to + v * kLanes, level.numerator[v] / level.denominator[v]);
}

// One level over the rows of left^T right, which `all` receives, for up to kPoolingLanes columns of right, of which
// `count` count; left, right [depth, N]
GLINT_INLINE void product_level(const Matrix& left, const Matrix& right, int64_t depth, const float* matrix, int64_t N,
                                int64_t count, float inverse_temperature, float* all, float* to) {
  if (count > kLanes) {
    product<2>(left, right, depth, N, all);
    attend<2>({all, right.stride}, matrix, N, inverse_temperature, to);
  } else {
    product<1>(left, right, depth, N, all);
    attend<1>({all, right.stride}, matrix, N, inverse_temperature, to);
  }
}

// The lanes [first, first + kPoolingLanes) of the words; those behind the last word are not read.
GLINT_INLINE PoolingVideo word_lanes(const PoolingVideo& video, int64_t first, int64_t words, float* partial) {
  PoolingVideo some = video;
  some.dots += first;
  if (words - first >= kPoolingLanes) return some;
  for (int64_t t = 0; t < video.count; ++t) {
    const float* from = some.dots + video.frames[t] * video.stride;
    float* to = partial + video.frames[t] * kPoolingLanes;
    for (int64_t l = 0; l < kPoolingLanes; ++l) to[l] = l < words - first ? from[l] : 0;
  }
  some.dots = partial;
  some.stride = kPoolingLanes;
  return some;
}

}  // namespace

int64_t GlcclScratch::floats(int64_t words, int64_t frames) {
  const int64_t stride = (words + kPoolingLanes - 1) / kPoolingLanes * kPoolingLanes;
  return 2 * frames * (kPoolingLanes + stride) + 2 * words * stride + 4 * words * kVideoLanes;
}

GlcclScratch::GlcclScratch(float* memory, int64_t words, int64_t frames)
    : stride((words + kPoolingLanes - 1) / kPoolingLanes * kPoolingLanes) {
  const auto take = [&](int64_t count) {
    float* taken = memory;
    memory += count;
    return taken;
  };
  pooling = take(frames * kPoolingLanes);
  partial = take(frames * kPoolingLanes);
  beta = take(frames * stride);
  projected = take(frames * stride);
  by_word = take(words * stride);
  by_frame = take(words * stride);
  columns = take(4 * words * kVideoLanes);
}

GLINT_CLONES void glccl_pair(const GlcclText& text, const GlcclPair& pair, int lane, GlcclScratch& scratch) {
  const auto& video = pair.video;
  const int64_t L = text.words, N = text.count, stride = scratch.stride;
  PoolingLanes lanes;
  lanes.weights = scratch.pooling;
  for (int64_t first = 0, n = 0; first < L; first += kPoolingLanes) {
    const auto some = word_lanes(video, first, L, scratch.partial);
    const int count = static_cast<int>(std::min<int64_t>(kPoolingLanes, L - first));
    pool_lanes(some, text.inverse_temperature, lanes);
    float inverse[kPoolingLanes], video_word[kPoolingLanes] = {}, sentence_frame[kPoolingLanes] = {};
    inverse_norms(some, lanes, pair.frames, pair.width, count, inverse);
    for (int64_t t = 0; t < video.count; ++t) {
      const float* dots = some.dots + video.frames[t] * some.stride;
      const float sentence = video.dots[video.frames[t] * video.stride + L] * text.scale[L];
      const float alpha = pair.alpha[t * kPoolingLanes];
      float* weights = lanes.weights + t * kPoolingLanes;
      for (int l = 0; l < kPoolingLanes; ++l) {
        weights[l] *= inverse[l];
        video_word[l] += alpha * dots[l];
        sentence_frame[l] += sentence * weights[l];
      }
    }
    const bool whole = N == L && count == kPoolingLanes;
    for (int64_t t = 0; whole && t < video.count; ++t) {
      const float* projected = pair.projected + video.frames[t] * video.stride + first;
      for (int l = 0; l < kPoolingLanes; ++l) {
        scratch.beta[t * stride + first + l] = lanes.weights[t * kPoolingLanes + l];
        scratch.projected[t * stride + first + l] = projected[l] * text.scale[first + l];
      }
    }
    for (; n < N && text.kept[n] < first + count; ++n) {
      const int64_t word = text.kept[n], l = word - first;
      scratch.columns[n * kVideoLanes + lane] = video_word[l] * text.scale[word];
      scratch.columns[(L + n) * kVideoLanes + lane] = sentence_frame[l];
      for (int64_t t = 0; !whole && t < video.count; ++t) {
        scratch.beta[t * stride + n] = lanes.weights[t * kPoolingLanes + l];
        scratch.projected[t * stride + n] = pair.projected[video.frames[t] * video.stride + word] * text.scale[word];
      }
    }
  }
  const Matrix beta{scratch.beta, stride}, projected{scratch.projected, stride};
  for (int64_t first = 0; first < N; first += kPoolingLanes) {
    const Matrix some_beta{beta.from + first, stride}, some_projected{projected.from + first, stride};
    const int64_t count = std::min<int64_t>(kPoolingLanes, N - first);
    float per_frame[kPoolingLanes], per_word[kPoolingLanes];  // wl, fl
    product_level(projected, some_beta, video.count, text.matrices[2], N, count, text.inverse_score_temperature,
                  scratch.by_word + first, per_frame);
    product_level(beta, some_projected, video.count, text.matrices[3], N, count, text.inverse_score_temperature,
                  scratch.by_frame + first, per_word);
    for (int64_t l = 0; l < count; ++l) {
      scratch.columns[(2 * L + first + l) * kVideoLanes + lane] = per_frame[l];
      scratch.columns[(3 * L + first + l) * kVideoLanes + lane] = per_word[l];
    }
  }
}

GLINT_CLONES void glccl_group(const GlcclText& text, const GlcclScratch& scratch, float (&scores)[3][kVideoLanes]) {
  constexpr int kMatrix[4] = {0, 1, 5, 4};  // of m, n, wl, fl
  float results[4][kVideoLanes];
  for (int i = 0; i < 4; ++i) {
    const Matrix x{scratch.columns + i * text.words * kVideoLanes, kVideoLanes};
    attend<1>(x, text.matrices[kMatrix[i]], text.count, text.inverse_score_temperature, results[i]);
  }
  for (int l = 0; l < kVideoLanes; ++l) {
    scores[0][l] = results[0][l];
    scores[1][l] = results[1][l];
    scores[2][l] = (results[2][l] + results[3][l]) / 2;
  }
}

}  // namespace glint::cpu
