// Statistics and post-processing of an evaluation beside what one would write without them; both sides of a ratio in
// one run, one thread:
//   OMP_NUM_THREADS=1 build/release/benchmarks/statistics_bench --benchmark_repetitions=5
// Times are CPU time.
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <algorithm>
#include <random>

#include "glint/core/random.h"
#include "glint/eval/postprocess.h"
#include "glint/eval/statistics.h"

namespace glint {
namespace {

constexpr int64_t kResamples = 10'000, kFlips = 100'000;

// Differences between two systems that are no whole numbers, as of reciprocal ranks: [columns][queries].
UnitColumns differences(const benchmark::State& state) {
  Random random({1});
  UnitColumns columns(static_cast<std::size_t>(state.range(1)));
  for (auto& column : columns) {
    for (int64_t i = 0; i < state.range(0); ++i) column.push_back(random.uniform(-1, 1));
  }
  return columns;
}

std::vector<double> percentiles_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 40], values[values.size() - 1 - values.size() / 40]};
}

void BM_PairedBootstrap(benchmark::State& state) {
  const auto columns = differences(state);
  const std::vector<double> queries(static_cast<std::size_t>(state.range(0)), 1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(paired_bootstrap(columns, queries, {.resamples = kResamples, .threads = 1}));
  }
  state.SetItemsProcessed(state.iterations() * kResamples);
}

// Draw a query, add its differences, as often as there are queries.
void BM_PlainBootstrap(benchmark::State& state) {
  const auto columns = differences(state);
  const auto queries = columns[0].size();
  for (auto _ : state) {
    std::mt19937_64 random(1);
    std::uniform_int_distribution<std::size_t> draw(0, queries - 1);
    std::vector<std::vector<double>> values(columns.size());
    std::vector<double> sums(columns.size());
    for (int64_t resample = 0; resample < kResamples; ++resample) {
      std::fill(sums.begin(), sums.end(), 0);
      for (std::size_t i = 0; i < queries; ++i) {
        const auto query = draw(random);
        for (std::size_t c = 0; c < columns.size(); ++c) sums[c] += columns[c][query];
      }
      for (std::size_t c = 0; c < columns.size(); ++c) values[c].push_back(sums[c] / static_cast<double>(queries));
    }
    for (auto& column : values) benchmark::DoNotOptimize(percentiles_of(std::move(column)));
  }
  state.SetItemsProcessed(state.iterations() * kResamples);
}

void BM_SignFlips(benchmark::State& state) {
  const auto column = differences(state)[0];
  for (auto _ : state) {
    benchmark::DoNotOptimize(sign_flip_test(column, {.resamples = kFlips, .threads = 1}));
  }
  state.SetItemsProcessed(state.iterations() * kFlips);
}

// A sign for each query of each draw.
void BM_PlainSignFlips(benchmark::State& state) {
  const auto column = differences(state)[0];
  double observed = 0;
  for (const double value : column) observed += value;
  for (auto _ : state) {
    std::mt19937_64 random(1);
    int64_t found = 0;
    for (int64_t draw = 0; draw < kFlips; ++draw) {
      double sum = 0;
      std::uint64_t bits = 0;
      for (std::size_t i = 0; i < column.size(); ++i) {
        if (i % 64 == 0) bits = random();
        sum += (bits & 1) != 0 ? column[i] : -column[i];
        bits >>= 1;
      }
      found += std::abs(sum) >= std::abs(observed);
    }
    benchmark::DoNotOptimize(found);
  }
  state.SetItemsProcessed(state.iterations() * kFlips);
}

torch::Tensor square_scores(const benchmark::State& state) {
  torch::manual_seed(1);
  return torch::rand({state.range(0), state.range(0)});  // [A, B]
}

// What every item's scores are changed by, in both directions.
void BM_Postprocess(benchmark::State& state, const Postprocess& method) {
  const auto scores = square_scores(state);
  for (auto _ : state) benchmark::DoNotOptimize(prepare_postprocess(method, scores));
}

// The same as operators on the whole matrix in float64.
void BM_Operators(benchmark::State& state, void (*biases)(const torch::Tensor&)) {
  const auto scores = square_scores(state);
  for (auto _ : state) biases(scores.to(torch::kFloat64));
}

void softmax_biases(const torch::Tensor& scores) {
  for (const int64_t queries : {0, 1}) benchmark::DoNotOptimize((20 * scores).logsumexp(queries) / 20);
}
void top_means(const torch::Tensor& scores) {
  for (const int64_t queries : {0, 1}) {
    benchmark::DoNotOptimize(std::get<0>(scores.topk(10, queries)).mean(queries) / 2);
  }
}
void sinkhorn_biases(const torch::Tensor& scores) {
  const auto logits = scores / 0.01;
  auto videos = torch::zeros({scores.size(1)}, torch::kFloat64), texts = videos;
  for (int round = 0; round < 5; ++round) {
    texts = -(logits + videos).logsumexp(1);
    videos = -(logits + texts.unsqueeze(1)).logsumexp(0);
  }
  benchmark::DoNotOptimize(videos);
}

void of_queries(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"queries", "columns"})->Args({1000, 1})->Args({1000, 10})->Unit(benchmark::kMillisecond);
}
void of_a_matrix(benchmark::internal::Benchmark* bench) {
  bench->ArgName("texts_and_videos")->Arg(1000)->Unit(benchmark::kMillisecond);
}
BENCHMARK(BM_PairedBootstrap)->Apply(of_queries);
BENCHMARK(BM_PlainBootstrap)->Apply(of_queries);
BENCHMARK(BM_SignFlips)->ArgNames({"queries", "columns"})->Args({1000, 1})->Unit(benchmark::kMillisecond);
BENCHMARK(BM_PlainSignFlips)->ArgNames({"queries", "columns"})->Args({1000, 1})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Postprocess, is, Postprocess(InvertedSoftmaxSettings{}))->Apply(of_a_matrix);
BENCHMARK_CAPTURE(BM_Operators, is, softmax_biases)->Apply(of_a_matrix);
BENCHMARK_CAPTURE(BM_Postprocess, csls, Postprocess(CslsSettings{}))->Apply(of_a_matrix);
BENCHMARK_CAPTURE(BM_Operators, csls, top_means)->Apply(of_a_matrix);
BENCHMARK_CAPTURE(BM_Postprocess, sinkhorn, Postprocess(SinkhornSettings{}))->Apply(of_a_matrix);
BENCHMARK_CAPTURE(BM_Operators, sinkhorn, sinkhorn_biases)->Apply(of_a_matrix);

}  // namespace
}  // namespace glint
