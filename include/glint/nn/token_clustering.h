#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>

#include "glint/config/clustering_config.h"

// CenterCLIP's token clustering (methods 5.4): of the tokens of some consecutive frames those in the middle of clusters
// stay. Deterministic: distances are symmetric, ties go to the lower index, and no decision depends on the thread
// count. S segments, N tokens of a segment, K clusters, W width.
namespace glint {

struct Clusters {
  torch::Tensor medoids;     // int64 [S, K], token indices, ascending
  torch::Tensor assignment;  // int64 [S, N], the cluster of each token: its nearest medoid's, 0 ... K-1
  torch::Tensor iterations;  // int64 [S], passes until no medoid moved
};

// tokens [S, N, W]; K of the settings at most N. A segment's tokens are those of `duration` frames. No gradient.
// Beyond the tokens at most 64 MB, or a few [N, N] matrices where one segment's are more.
Clusters cluster_tokens(const torch::Tensor& tokens, int64_t duration, const ClusteringConfig& config);

// Images in, segments out: tokens [S * duration, 1 + n, W], the class token first, of `duration` frames each ->
// [S, 1 + K, W]: the mean of the class tokens, then the tokens of the medoids as they are (or the means of the
// clusters). Differentiable in what is kept, not in the choice.
torch::Tensor merge_segments(const torch::Tensor& tokens, int64_t duration, const ClusteringConfig& config);

// Note [CenterCLIP mask]: as released, a segment counts where its last frame does, so one that padding cuts short does
// not. mask [B, T] -> [B, T / duration]
torch::Tensor segment_mask(const torch::Tensor& mask, int64_t duration);

// The steps of it.

// "euclidean" (Minkowski with `norm`) or "cosine" distances [S, N, N], exactly symmetric; the diagonal is -1, so that
// nothing is as near as a token itself, equal tokens included.
torch::Tensor token_distances(const torch::Tensor& tokens, const std::string& distance, double norm);

// KKZ: from the token `first` [S] on, always the one farthest from those chosen. -> [S, K] in the order of choice
torch::Tensor kkz_centres(const torch::Tensor& distances, const torch::Tensor& first, int64_t clusters);

Clusters k_medoids(const torch::Tensor& distances, const torch::Tensor& centres, int64_t max_iterations);

// exp(-d^2 / (2 sigma^2)) of the Euclidean distance d, double [S, N, N]. `neighbours` > 0: zero between tokens of which
// neither is among the other's nearest `neighbours`, itself counted.
torch::Tensor token_affinity(const torch::Tensor& tokens, double sigma, int64_t neighbours);

struct SpectralEmbedding {
  torch::Tensor eigenvalues;  // [S, N] of the normalised Laplacian, ascending
  torch::Tensor tokens;       // [S, N, K]: the eigenvectors of the K smallest, rows of length 1; float32, so that what
                              // differs by rounding alone is equal
  torch::Tensor first;        // int64 [S], the row that was longest before
};
SpectralEmbedding spectral_embedding(const torch::Tensor& affinity, int64_t clusters);

}  // namespace glint
