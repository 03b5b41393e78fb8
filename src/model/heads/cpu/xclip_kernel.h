#pragma once

#include <cstdint>

namespace glint::cpu {

constexpr int kXclipLanes = 16;  // texts that one call treats side by side

// The matrices [n, n] that softmax weights pass through, each transposed. L tokens, T frames.
struct XclipKernelMatrices {
  int64_t words, frames;                  // L, T
  const float *word_logit, *frame_logit;  // of the video's and of the sentence's similarities
  const float *word_mat, *frame_mat;      // of the similarities of words and frames
  const float *word_mat2, *frame_mat2;    // of what those leave
  float inverse_temperature;
};

// One video and kXclipLanes texts -> their scores (methods 5.1), [kXclipLanes].
// local [T+1, L, lanes]: <w_i, f_t>, row T: <w_i, v>; global [T+1, lanes]: <c, f_t>, row T: <c, v>. `kept_words` [L,
// lanes] is 1 where a word takes part and 0 elsewhere, where `local` is 0 too; nullptr: all do. `scratch` holds
// (L + T + max(L, T)) * kXclipLanes floats. All aligned to 64 bytes.
void xclip_lanes(const XclipKernelMatrices& matrices, const float* local, const float* global, const float* kept_words,
                 float* scratch, float* scores);

}  // namespace glint::cpu
