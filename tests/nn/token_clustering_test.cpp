#include "glint/nn/token_clustering.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "glint/core/error.h"

// S segments, N tokens, W width, K clusters.
namespace glint {
namespace {

ClusteringConfig config_of(int64_t clusters, const char* distance = "euclidean") {
  ClusteringConfig config;
  config.clusters = clusters;
  config.distance = distance;
  return config;
}

ClusteringConfig spectral_config(int64_t clusters, const char* graph) {
  auto config = config_of(clusters);
  config.algorithm = "spectral";
  config.graph = graph;
  return config;
}

ClusteringConfig city_block(int64_t clusters) {
  auto config = config_of(clusters);
  config.norm = 1;
  return config;
}

// Every kind of clustering, for 5 clusters.
std::vector<ClusteringConfig> all_kinds() {
  auto unit = config_of(5);
  unit.pre_norm = true;
  return {config_of(5),  config_of(5, "cosine"),     unit,
          city_block(5), spectral_config(5, "heat"), spectral_config(5, "nearest")};
}

// Methods 5.4 for one segment in plain loops, of distances alone: the judge. -> medoids, ascending
std::vector<int64_t> literal_medoids(const torch::Tensor& distances, int64_t first, int64_t clusters) {
  const auto N = distances.size(0);
  const auto d = distances.accessor<float, 2>();
  const auto nearest = [&](int64_t token, const std::vector<int64_t>& centres) {
    return std::min_element(centres.begin(), centres.end(),
                            [&](int64_t a, int64_t b) { return d[a][token] < d[b][token]; }) -
           centres.begin();
  };
  std::vector<int64_t> medoids = {first};
  while (std::ssize(medoids) < clusters) {
    int64_t farthest = 0;
    const auto gap = [&](int64_t token) {
      return d[medoids[static_cast<std::size_t>(nearest(token, medoids))]][token];
    };
    for (int64_t token = 1; token < N; ++token) farthest = gap(token) > gap(farthest) ? token : farthest;
    medoids.push_back(farthest);
  }
  for (int pass = 0; pass < 100; ++pass) {
    auto moved = medoids;
    for (int64_t k = 0; k < clusters; ++k) {
      double least = INFINITY;
      for (int64_t token = 0; token < N; ++token) {
        if (nearest(token, medoids) != k) continue;
        double cost = 0;
        for (int64_t other = 0; other < N; ++other) cost += nearest(other, medoids) == k ? d[other][token] : 0;
        if (cost < least) moved[static_cast<std::size_t>(k)] = token;
        least = std::min(least, cost);
      }
    }
    if (moved == medoids) break;
    medoids = moved;
  }
  std::sort(medoids.begin(), medoids.end());
  return medoids;
}

void expect_valid(const Clusters& clusters, int64_t N) {
  EXPECT_TRUE((clusters.medoids.diff(1, 1) > 0).all().item<bool>()) << "medoids are distinct and ascending";
  EXPECT_GE(clusters.medoids.min().item<int64_t>(), 0);
  EXPECT_LT(clusters.medoids.max().item<int64_t>(), N);
  const auto own = clusters.assignment.gather(1, clusters.medoids);
  EXPECT_TRUE(torch::equal(own, torch::arange(own.size(1)).expand_as(own))) << "a medoid is in its own cluster";
}

struct Shape {
  int64_t N, K, W;
};

// Corners, then any.
std::vector<Shape> shapes() {
  std::vector<Shape> shapes = {{1, 1, 6}, {7, 1, 6}, {7, 7, 6}, {60, 21, 6}};
  for (int i = 0; i < 12; ++i) {
    const auto N = torch::randint(1, 40, {1}).item<int64_t>();
    shapes.push_back({N, torch::randint(1, N + 1, {1}).item<int64_t>(), torch::randint(1, 7, {1}).item<int64_t>()});
  }
  return shapes;
}

// Tokens on a small grid are full of ties and of equal tokens.
TEST(TokenClusteringTest, MedoidsAreThoseOfTheLiteralLoopsTiesIncluded) {
  torch::manual_seed(1);
  for (const auto& [N, K, W] : shapes()) {
    for (auto config : {config_of(K), config_of(K, "cosine"), city_block(K)}) {
      for (const auto& tokens : {torch::randn({2, N, W}), torch::randint(0, 3, {2, N, W}, torch::kFloat)}) {
        const auto clusters = cluster_tokens(tokens, 1, config);
        const auto distances = token_distances(tokens, config.distance, config.norm);
        expect_valid(clusters, N);
        for (int64_t s = 0; s < 2; ++s) {
          const auto want = literal_medoids(distances[s], tokens[s].norm(2, -1).argmax().item<int64_t>(), K);
          EXPECT_TRUE(torch::equal(clusters.medoids[s], torch::tensor(want))) << N << " " << K << " " << W;
          EXPECT_TRUE(
              torch::equal(clusters.assignment[s], distances[s].index_select(0, clusters.medoids[s]).argmin(0)));
        }
      }
    }
  }
}

TEST(TokenClusteringTest, DistancesAreThoseOfTheFormulaAndExactlySymmetric) {
  torch::manual_seed(9);
  auto tokens = 30 * torch::randn({2, 29, 5});
  tokens.select(1, 7).copy_(tokens.select(1, 21));
  const auto x = tokens.to(torch::kDouble);
  const auto difference = x.unsqueeze(2) - x.unsqueeze(1);  // [S, N, N, W]
  const auto unit = x / (x.norm(2, -1, /*keepdim=*/true) + 1e-6);
  const auto other = torch::eye(29) == 0;
  const auto expect = [&](const torch::Tensor& distances, const torch::Tensor& want) {
    EXPECT_TRUE(torch::equal(distances, distances.transpose(1, 2)));
    EXPECT_TRUE((distances.diagonal(0, 1, 2) == -1).all().item<bool>());
    EXPECT_LT(((distances - want) * other).abs().max().item<double>(), 1e-6 * want.max().item<double>());
  };
  expect(token_distances(tokens, "euclidean", 2), difference.norm(2, -1));
  expect(token_distances(tokens, "euclidean", 1), difference.norm(1, -1));
  expect(token_distances(tokens, "euclidean", 3), difference.norm(3, -1));
  expect(token_distances(tokens, "cosine", 2), 1 - (unit.unsqueeze(2) * unit.unsqueeze(1)).sum(-1));
  EXPECT_EQ(token_distances(tokens, "euclidean", 2)[0][7][21].item<float>(), 0);
}

// Five groups of six tokens: in a cluster of two a tie goes to the lower index, which a permutation changes.
TEST(TokenClusteringTest, PermutedTokensPermuteTheClusters) {
  torch::manual_seed(2);
  for (const auto& config : all_kinds()) {
    const auto tokens = (4 * torch::randn({4, 5, 1, 6}) + 0.5 * torch::randn({4, 5, 6, 6})).flatten(1, 2);
    const auto order = torch::randperm(30);
    const auto plain = cluster_tokens(tokens, 1, config);
    const auto permuted = cluster_tokens(tokens.index_select(1, order), 1, config);
    const auto together = [](const torch::Tensor& a) { return a.unsqueeze(1) == a.unsqueeze(2); };  // [S, N, N]
    EXPECT_TRUE(torch::equal(together(permuted.assignment), together(plain.assignment.index_select(1, order))))
        << config.algorithm << " " << config.distance;
    if (config.algorithm == "spectral") continue;  // the tokens of a group are equal but for rounding
    const auto back = order.index_select(0, permuted.medoids.flatten()).view({4, 5});
    EXPECT_TRUE(torch::equal(std::get<0>(back.sort(1)), plain.medoids)) << config.distance;
  }
}

TEST(TokenClusteringTest, SegmentsAndThreadCountDoNotMatter) {
  torch::manual_seed(3);
  const auto threads = at::get_num_threads();
  for (const auto& config : all_kinds()) {
    auto tokens = torch::randn({40, 300, 6});  // more than are clustered at once
    tokens.select(0, 1) *= 4;                  // nothing is near in this one, so that its spectrum is nearly flat
    at::set_num_threads(1);
    const auto one = cluster_tokens(tokens.narrow(0, 0, 3), 3, config);
    at::set_num_threads(3);
    const auto all = cluster_tokens(config.algorithm == "spectral" ? tokens.narrow(0, 0, 3) : tokens, 3, config);
    at::set_num_threads(threads);
    EXPECT_TRUE(torch::equal(all.medoids.narrow(0, 0, 3), one.medoids)) << config.algorithm;
    EXPECT_TRUE(torch::equal(all.assignment.narrow(0, 0, 3), one.assignment)) << config.algorithm;
    EXPECT_TRUE(torch::equal(all.iterations.narrow(0, 0, 3), one.iterations)) << config.algorithm;
  }
}

TEST(TokenClusteringTest, EqualAndZeroTokensStillGiveDistinctMedoids) {
  torch::manual_seed(4);
  for (const auto& config : all_kinds()) {
    const auto zeros = torch::zeros({2, 12, 6});
    const auto equal = torch::ones({1, 1, 6}).expand({2, 12, 6});
    const auto pairs = torch::randn({2, 4, 6}).repeat({1, 3, 1});  // each three times, fewer than clusters
    auto some_zero = torch::randn({2, 12, 6});
    some_zero.narrow(1, 3, 4).zero_();
    for (const auto& tokens : {zeros, equal, pairs, some_zero}) {
      const auto clusters = cluster_tokens(tokens, 1, config);
      expect_valid(clusters, 12);
      EXPECT_TRUE(torch::equal(cluster_tokens(tokens, 1, config).medoids, clusters.medoids));
    }
  }
}

TEST(TokenClusteringTest, OneTieInATwoTokenClusterGoesToTheLowerIndex) {
  const auto tokens = torch::tensor({9.0F, 0.0F, 1.0F, 9.1F}).view({1, 4, 1});
  EXPECT_TRUE(torch::equal(cluster_tokens(tokens, 1, config_of(2)).medoids, torch::tensor({{0, 1}})));
}

TEST(TokenClusteringTest, NotANumberNeitherCrashesNorHangs) {
  for (const auto& config : all_kinds()) {
    auto tokens = torch::randn({2, 12, 6});
    tokens[0][3][2] = NAN;
    tokens[1].fill_(NAN);
    const auto medoids = cluster_tokens(tokens, 1, config).medoids;
    EXPECT_GE(medoids.min().item<int64_t>(), 0);
    EXPECT_LT(medoids.max().item<int64_t>(), 12);
  }
}

TEST(TokenClusteringTest, SpectralFindsSeparateGroups) {
  torch::manual_seed(5);
  auto tokens = 0.1 * torch::randn({1, 12, 6});
  tokens.narrow(1, 4, 4) += 8;
  tokens.narrow(1, 8, 4) -= 8;
  for (const auto* graph : {"heat", "nearest"}) {
    auto config = spectral_config(3, graph);
    config.neighbours = 3;
    const auto assignment = cluster_tokens(tokens, 1, config).assignment[0];
    EXPECT_TRUE(torch::equal(assignment, torch::tensor({0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2}))) << assignment;
  }
}

TEST(MergeSegmentsTest, KeepsTheMedoidsTokensAndTheMeanOfTheClassTokens) {
  torch::manual_seed(6);
  const auto tokens = torch::randn({6, 1 + 4, 8});  // two segments of three frames with four patches
  const auto merged = merge_segments(tokens, 3, config_of(5));
  ASSERT_EQ(merged.sizes(), (std::vector<int64_t>{2, 6, 8}));
  for (int64_t s = 0; s < 2; ++s) {
    const auto frames = tokens.narrow(0, 3 * s, 3);
    EXPECT_TRUE(torch::allclose(merged[s][0], frames.select(1, 0).mean(0), 0, 1e-6));
    const auto patches = frames.narrow(1, 1, 4).reshape({1, 12, 8});
    const auto medoids = cluster_tokens(patches, 3, config_of(5)).medoids[0];
    EXPECT_TRUE(torch::equal(merged[s].slice(0, 1), patches[0].index_select(0, medoids)));
  }
}

TEST(MergeSegmentsTest, GradientsReachTheTokensThatAreKept) {
  torch::manual_seed(7);
  for (const auto* keep : {"medoids", "means"}) {
    auto config = config_of(5);
    config.keep = keep;
    const auto tokens = torch::randn({2, 3, 1 + 4, 8}).flatten(0, 1).set_requires_grad(true);
    const auto merged = merge_segments(tokens, 3, config);
    const auto probe = torch::randn_like(merged);
    (merged * probe).sum().backward();
    const auto clusters = cluster_tokens(tokens.narrow(1, 1, 4).reshape({2, 12, 8}), 3, config);
    const auto of_patches = tokens.grad().narrow(1, 1, 4).reshape({2, 12, 8});
    for (int64_t s = 0; s < 2; ++s) {
      auto want = torch::zeros({12, 8});
      for (int64_t i = 0; i < 12; ++i) {
        const auto k = clusters.assignment[s][i].item<int64_t>();
        const auto members = (clusters.assignment[s] == k).sum().item<int64_t>();
        const bool is_medoid = clusters.medoids[s][k].item<int64_t>() == i;
        const double share = config.keep == "means" ? 1.0 / static_cast<double>(members) : (is_medoid ? 1 : 0);
        want[i] = probe[s][1 + k] * share;
      }
      EXPECT_TRUE(torch::allclose(of_patches[s], want, 0, 1e-6)) << keep;
    }
    EXPECT_TRUE(torch::allclose(tokens.grad()[4][0], probe[1][0] / 3, 0, 1e-6));
  }
}

TEST(TokenClusteringTest, MoreClustersThanTokensAreABug) {
  EXPECT_THROW(cluster_tokens(torch::randn({1, 4, 3}), 1, config_of(5)), Bug);
  EXPECT_THROW(merge_segments(torch::randn({5, 4, 3}), 2, config_of(2)), Bug);
}

}  // namespace
}  // namespace glint
