#include "glint/nn/token_clustering.h"

#include <torch/torch.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "glint/core/error.h"

namespace glint {

namespace {

constexpr int64_t kChunkDistances = 1 << 21;  // of the segments clustered at once: 8 MiB in float32
constexpr int64_t kSpectralChunk = 1 << 19;   // the same in float64, where several such matrices live at once
constexpr double kNormEps = 1e-6;             // added to norms that divide, as released
constexpr double kSelf = -1;                  // a token's distance to itself, below all others
constexpr int64_t kNeighboursAFrame = 5;      // of the nearest-neighbour graph, as released
constexpr int64_t kManyTokens = 100;          // a frame from which on a token has kNeighboursAFrame more

torch::Tensor unit_tokens(const torch::Tensor& tokens) {
  return tokens / (tokens.norm(2, -1, /*keepdim=*/true) + kNormEps);
}

torch::Tensor exact(const torch::Tensor& tokens) {
  return tokens.to(torch::kDouble);
}

// Euclidean and Minkowski distances term by term: |x|^2 + |y|^2 - 2xy, cdist's fast way, is neither symmetric nor zero
// between equal tokens.
torch::Tensor term_by_term(const torch::Tensor& tokens, double norm) {
  constexpr int64_t kNoProducts = 2;
  return at::cdist(tokens, tokens, norm, kNoProducts);
}

Clusters k_medoids_of(const torch::Tensor& tokens, const torch::Tensor& first, const ClusteringConfig& config) {
  const auto distances = token_distances(tokens, config.distance, config.norm);
  return k_medoids(distances, kkz_centres(distances, first, config.clusters), config.iterations);
}

// Note [CenterCLIP first centre]: the first centre is the longest token. Where tokens are made unit vectors before, the
// release lets rounding choose among lengths that are 1; the formula itself, x / (|x| + 1e-6), still orders them as
// |x|.
Clusters by_medoids(const torch::Tensor& tokens, const ClusteringConfig& config) {
  const auto first = tokens.norm(2, -1).argmax(1);  // [S]
  return k_medoids_of(config.pre_norm ? unit_tokens(tokens) : tokens, first, config);
}

int64_t neighbours_of(const torch::Tensor& tokens, int64_t duration, const ClusteringConfig& config) {
  if (config.graph == "heat") return 0;
  const auto N = tokens.size(1);
  const auto released = kNeighboursAFrame * (duration + (N / duration < kManyTokens ? 0 : 1));
  return std::min(N, config.neighbours > 0 ? config.neighbours : released);
}

Clusters by_spectrum(const torch::Tensor& tokens, int64_t duration, const ClusteringConfig& config) {
  const auto affinity = token_affinity(tokens, config.sigma, neighbours_of(tokens, duration, config));
  const auto embedding = spectral_embedding(affinity, config.clusters);
  return k_medoids_of(embedding.tokens, embedding.first, config);
}

// The rows of `tokens` [S, N, W] that `chosen` [S, K] names.
torch::Tensor gather_tokens(const torch::Tensor& tokens, const torch::Tensor& chosen) {
  const auto S = tokens.size(0), N = tokens.size(1);
  const auto rows = chosen + N * torch::arange(S, chosen.options()).unsqueeze(1);
  return tokens.flatten(0, 1).index_select(0, rows.flatten()).view({S, chosen.size(1), -1});
}

// [S, N, W] -> [S, K, W]
torch::Tensor cluster_means(const torch::Tensor& tokens, const torch::Tensor& assignment, int64_t clusters) {
  const auto index = torch::arange(clusters, assignment.options()).view({1, clusters, 1});
  const auto members = (assignment.unsqueeze(1) == index).to(tokens.scalar_type());  // [S, K, N]
  return torch::bmm(members / members.sum(-1, /*keepdim=*/true).clamp_min(1), tokens);
}

}  // namespace

torch::Tensor token_distances(const torch::Tensor& tokens, const std::string& distance, double norm) {
  const torch::NoGradGuard no_grad;
  torch::Tensor distances;  // [S, N, N]
  if (distance == "cosine") {
    const auto unit = unit_tokens(exact(tokens));
    const auto products = torch::bmm(unit, unit.transpose(1, 2));
    distances = (1 - (products + products.transpose(1, 2)) / 2).to(tokens.scalar_type());
  } else {
    GLINT_CHECK(distance == "euclidean", "no distance '", distance, "'");
    distances = term_by_term(tokens, norm);
  }
  distances.diagonal(0, 1, 2).fill_(kSelf);
  return distances;
}

torch::Tensor kkz_centres(const torch::Tensor& distances, const torch::Tensor& first, int64_t clusters) {
  const torch::NoGradGuard no_grad;
  GLINT_CHECK(clusters > 0 && clusters <= distances.size(1), clusters, " clusters of ", distances.size(1), " tokens");
  const auto row_of = [&](const torch::Tensor& token) {  // [S] -> [S, N]
    return distances.gather(1, token.view({-1, 1, 1}).expand({-1, 1, distances.size(2)})).squeeze(1);
  };
  std::vector<torch::Tensor> centres = {first};
  auto nearest = row_of(first);  // [S, N], distance to the nearest centre
  while (std::ssize(centres) < clusters) {
    centres.push_back(nearest.argmax(1));
    nearest = torch::minimum(nearest, row_of(centres.back()));
  }
  return torch::stack(centres, 1);
}

Clusters k_medoids(const torch::Tensor& distances, const torch::Tensor& centres, int64_t max_iterations) {
  const torch::NoGradGuard no_grad;
  const auto S = centres.size(0), K = centres.size(1), N = distances.size(1);
  const auto token = torch::arange(N, centres.options());
  const auto nearest = [&](const torch::Tensor& medoids) {  // [S, N]; the lower one where two are as near
    return distances.gather(1, medoids.unsqueeze(-1).expand({S, K, N})).argmin(1);
  };
  auto medoids = centres;
  auto iterations = torch::zeros({S}, centres.options());
  auto moving = torch::ones({S}, centres.options().dtype(torch::kBool));
  for (int64_t i = 0; i < max_iterations && moving.any().item<bool>(); ++i) {
    iterations += moving;
    const auto assignment = nearest(medoids);
    const auto apart = assignment.unsqueeze(2) != assignment.unsqueeze(1);                         // [S, N, N]
    const auto cost = distances.masked_fill(apart, 0).sum(-1, /*keepdim=*/false, torch::kDouble);  // [S, N]
    const auto least = torch::full({S, K}, std::numeric_limits<double>::infinity(), cost.options())
                           .scatter_reduce(1, assignment, cost, "amin");
    const auto best = torch::where(cost == least.gather(1, assignment), token, N);  // [S, N]
    auto moved = torch::full({S, K}, N, centres.options()).scatter_reduce(1, assignment, best, "amin");
    moved = torch::where(moved < N, moved, medoids);  // a cluster of nothing but NaN stays where it is
    moving = moving.logical_and((moved != medoids).any(1));
    medoids = moved;
  }
  medoids = std::get<0>(medoids.sort(1));
  return {medoids, nearest(medoids), iterations};
}

torch::Tensor token_affinity(const torch::Tensor& tokens, double sigma, int64_t neighbours) {
  const torch::NoGradGuard no_grad;
  const auto affinity =
      (term_by_term(exact(tokens), 2).square() / (-2 * sigma * sigma)).exp().nan_to_num(0);  // [S, N, N]
  if (neighbours == 0) return affinity;
  const auto weakest = std::get<0>(affinity.topk(neighbours, -1)).narrow(-1, neighbours - 1, 1);  // [S, N, 1]
  const auto near = affinity >= weakest;
  return affinity * near.logical_or(near.transpose(1, 2));
}

SpectralEmbedding spectral_embedding(const torch::Tensor& affinity, int64_t clusters) {
  const torch::NoGradGuard no_grad;
  const auto N = affinity.size(1);
  const auto scale = affinity.sum(-1).clamp_min(std::numeric_limits<double>::min()).rsqrt();  // [S, N]
  const auto laplacian = torch::eye(N, affinity.options()) - scale.unsqueeze(2) * affinity * scale.unsqueeze(1);
  const auto [eigenvalues, vectors] = torch::linalg_eigh(laplacian);
  const auto rows = vectors.narrow(2, 0, clusters);        // [S, N, K]
  const auto length = rows.norm(2, -1, /*keepdim=*/true);  // [S, N, 1]
  return {eigenvalues, (rows / (length + kNormEps)).to(torch::kFloat), length.squeeze(-1).argmax(1)};
}

Clusters cluster_tokens(const torch::Tensor& tokens, int64_t duration, const ClusteringConfig& config) {
  const torch::NoGradGuard no_grad;
  const auto S = tokens.size(0), N = tokens.size(1);
  GLINT_CHECK(config.clusters <= N, config.clusters, " clusters of ", N, " tokens");
  const bool spectral = config.algorithm == "spectral";
  const auto at_once = std::max<int64_t>(1, (spectral ? kSpectralChunk : kChunkDistances) / (N * N));
  std::vector<torch::Tensor> medoids, assignment, iterations;
  for (int64_t s = 0; s < S; s += at_once) {
    auto some = tokens.slice(0, s, s + at_once);
    if (some.scalar_type() != torch::kDouble) some = some.to(torch::kFloat);
    const auto part = spectral ? by_spectrum(some, duration, config) : by_medoids(some, config);
    medoids.push_back(part.medoids);
    assignment.push_back(part.assignment);
    iterations.push_back(part.iterations);
  }
  return {torch::cat(medoids), torch::cat(assignment), torch::cat(iterations)};
}

torch::Tensor segment_mask(const torch::Tensor& mask, int64_t duration) {
  return mask.reshape({mask.size(0), -1, duration}).select(2, duration - 1);
}

torch::Tensor merge_segments(const torch::Tensor& tokens, int64_t duration, const ClusteringConfig& config) {
  const auto n = tokens.size(1) - 1, W = tokens.size(2), S = tokens.size(0) / duration;
  GLINT_CHECK(S * duration == tokens.size(0), tokens.size(0), " frames in segments of ", duration);
  const auto whole = tokens.select(1, 0).reshape({S, duration, W}).mean(1, /*keepdim=*/true);  // [S, 1, W]
  const auto patches = tokens.narrow(1, 1, n).reshape({S, duration * n, W});                   // [S, N, W]
  const auto clusters = cluster_tokens(patches.detach(), duration, config);
  const auto kept = config.keep == "means" ? cluster_means(patches, clusters.assignment, config.clusters)
                                           : gather_tokens(patches, clusters.medoids);
  return torch::cat({whole, kept}, 1);  // [S, 1+K, W]
}

}  // namespace glint
