#pragma once

// What heads keep of an item under a name: TextFeatures::prepared and VideoFeatures::prepared. A texts, B videos, N of
// either, L words, T frames, D width, Q queries.
namespace glint::prepared {

inline constexpr const char* kConcepts = "concepts";  // glscl: unit concepts [N, Q, D]
inline constexpr const char* kNorm = "norm";          // glscl: of the sentence [A]
inline constexpr const char* kGram = "gram";          // glscl, glccl: V V^T of a video [B, T, T]
inline constexpr const char* kRows =
    "rows";  // glccl: words, sentence and c W_g [A, L + 2, D]; frames and V W_l^T [B, 2 T, D]
inline constexpr const char* kScale = "scale";        // glccl: 1/|w| of the words and 1/|c| [A, L + 1]
inline constexpr const char* kPooled = "pooled";      // mean_pool, xpool avg: the unit mean of the frames [B, D]
inline constexpr const char* kLocal = "local";        // xclip: W_l f_t and v [B, T + 1, D]
inline constexpr const char* kGlobal = "global";      // xclip: f_t and W_g v [B, T + 1, D]
inline constexpr const char* kBias = "bias";          // tight: 0 on real positions, far below on padding [B, T + 1]
inline constexpr const char* kQuery = "query";        // xpool: of the sentence, over sqrt(D) [A, D]
inline constexpr const char* kKeys = "keys";          // xpool: of the frames [B, T, D]
inline constexpr const char* kAttended = "attended";  // xpool: XpoolPairs::attended [B, T, D]
inline constexpr const char* kMixed = "mixed";        // xpool: XpoolPairs::mixed [B, T, D]
inline constexpr const char* kLinear = "linear";      // xpool with dropout: the linear half of the residual [B, T, D]
inline constexpr const char* kForms = "forms";        // xpool: of xpool_forms() [B, F]

}  // namespace glint::prepared
