// CenterCLIP's clustering beside the form with a [S, K, N, N] tensor, which is how it was released. ViT-B/32, 12 frames
// in segments of 3 (methods 5.4). One run:
//   OMP_NUM_THREADS=1 build/release/benchmarks/clustering_bench --benchmark_repetitions=3
// Times are CPU time; peak_MB counts tensors beyond the tokens.
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include "glint/nn/token_clustering.h"
#include "head/memory_peak.h"

// S segments, N tokens of a segment, W width, K clusters.
namespace glint {
namespace {

constexpr int64_t N = 3 * 49, W = 768, K = 49, kFramesASegment = 3;

torch::Tensor random_tokens(int64_t segments) {
  torch::manual_seed(1);
  return torch::randn({segments, N, W});
}

// As methods 5.4 has it, from the same distances and the same start.
torch::Tensor literal_medoids(const torch::Tensor& tokens) {
  const auto distances = token_distances(tokens, "euclidean", 2);
  auto medoids = kkz_centres(distances, tokens.norm(2, -1).argmax(1), K);
  const auto shifted = distances - distances.max() - 1;                // all negative, so that no token outside wins
  const auto of_clusters = shifted.unsqueeze(1).repeat({1, K, 1, 1});  // [S, K, N, N]
  const auto index = torch::arange(K).view({1, K, 1});
  for (int i = 0; i < 100; ++i) {
    const auto rows = distances.gather(1, medoids.unsqueeze(-1).expand({-1, K, N}));
    const auto member = rows.argmin(1).unsqueeze(1) == index;                       // [S, K, N]
    const auto inside = of_clusters * member.unsqueeze(-1) * member.unsqueeze(-2);  // [S, K, N, N]
    const auto moved = inside.sum(-1).argmin(-1);
    if (torch::equal(moved, medoids)) break;
    medoids = moved;
  }
  return std::get<0>(medoids.sort(1));
}

void report_peak(benchmark::State& state, const app::MemoryPeak& peak) {
  state.counters["peak_MB"] = static_cast<double>(peak.bytes()) / 1e6;
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void BM_ClusterTokens(benchmark::State& state, const char* algorithm) {
  const auto tokens = random_tokens(state.range(0));
  ClusteringConfig config;
  config.algorithm = algorithm;
  const app::MemoryPeak peak;
  for (auto _ : state) benchmark::DoNotOptimize(cluster_tokens(tokens, kFramesASegment, config));
  report_peak(state, peak);
}

void BM_LiteralKMedoids(benchmark::State& state) {
  const auto tokens = random_tokens(state.range(0));
  const torch::NoGradGuard no_grad;
  const app::MemoryPeak peak;
  for (auto _ : state) benchmark::DoNotOptimize(literal_medoids(tokens));
  report_peak(state, peak);
}

#define SEGMENTS(...) ArgName("segments")->__VA_ARGS__->Unit(benchmark::kMillisecond)
BENCHMARK_CAPTURE(BM_ClusterTokens, k_medoids, "k_medoids")->SEGMENTS(Arg(16)->Arg(512));
BENCHMARK_CAPTURE(BM_ClusterTokens, spectral, "spectral")->SEGMENTS(Arg(16)->Arg(128));
BENCHMARK(BM_LiteralKMedoids)->SEGMENTS(Arg(16));
#undef SEGMENTS

}  // namespace
}  // namespace glint
