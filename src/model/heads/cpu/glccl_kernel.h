#pragma once

#include <cstdint>

#include "model/heads/cpu/pooling_kernel.h"

// The work of GLCCL on one pair (methods 4.3) after its dot products, all in the first-level cache. L words, T frames,
// N words that take part; rows of words are padded to whole lanes.

namespace glint::cpu {

constexpr int kVideoLanes = 16;  // videos that the last level treats side by side

struct GlcclText {
  int64_t words;             // L
  const int32_t* kept;       // [N] the words that take part
  int64_t count;             // N
  const float* scale;        // [L + 1]: 1 / |w| of every word, 1 / |c|
  const float* matrices[6];  // A1, A2, B1, B2, B3, B4, each [N, N] of the kept words, transposed
  float inverse_temperature;
  float inverse_score_temperature;
};

// A pair's dot products: row t of `video.dots` holds <w, V_t> of every word and then <c, V_t>, that of `projected`
// holds <w W_l, V_t>; both with video.stride.
struct GlcclPair {
  PoolingVideo video;
  const float* projected;
  const float* frames;  // [T, width] V
  int64_t width;
  const float* alpha;  // [count, kPoolingLanes], the first lane is read: weights of the frames in v, |v| = 1
};

// One thread's memory for pairs of at most L words and T frames.
struct GlcclScratch {
  static int64_t floats(int64_t words, int64_t frames);
  GlcclScratch(float* memory, int64_t words, int64_t frames);

  int64_t stride;    // L in whole lanes
  float* pooling;    // [T, kPoolingLanes]
  float* partial;    // [T, kPoolingLanes]: lanes of the last words, without what lies behind them
  float* beta;       // [T, stride]: weights of the frames in f, |f| = 1
  float* projected;  // [T, stride]
  float* by_word;    // [L, stride]: F
  float* by_frame;   // [L, stride]: F transposed
  float* columns;    // [4, L, kVideoLanes]: m, n, wl, fl of a group of videos
};

// Writes the pair's m, n, wl and fl into lane `lane` of scratch.columns.
void glccl_pair(const GlcclText& text, const GlcclPair& pair, int lane, GlcclScratch& scratch);

// The last level of a group of videos: S_vw, S_sf, S_fw of each from scratch.columns.
void glccl_group(const GlcclText& text, const GlcclScratch& scratch, float (&scores)[3][kVideoLanes]);

}  // namespace glint::cpu
