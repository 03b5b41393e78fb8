// Image tower, forward and backward with a frozen patch embedding, beside its matrix products alone. One run:
//   build/release/benchmarks/tower_bench --benchmark_repetitions=5 --benchmark_enable_random_interleaving=true
// Times are CPU time, so that a busy machine can still compare them.
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include "glint/model/clip.h"
#include "glint/nn/linear.h"
#include "glint/nn/token_clustering.h"

// N images, P patches, S = 1 + P tokens, W width, H heads, d head width.
namespace glint {
namespace {

TowerSizes tiny() {
  return {.embed_dim = 128,
          .image_size = 64,
          .patch_size = 8,
          .vision_width = 128,
          .vision_layers = 4,
          .text_width = 128,
          .text_layers = 2,
          .context_length = 32,
          .vocabulary_size = 1000};
}

TowerSizes b32() {
  TowerSizes sizes;
  sizes.text_layers = 1;  // the text tower takes no part
  sizes.vocabulary_size = 1000;
  return sizes;
}

torch::Tensor pixels(const TowerSizes& sizes, int64_t images) {
  return torch::randn({images, 3, sizes.image_size, sizes.image_size});
}

ClipModel frozen_model(const TowerSizes& sizes) {
  torch::manual_seed(1);
  ClipModel clip(sizes);
  clip.named_parameters()["visual.conv1.weight"].set_requires_grad(false);
  return clip;
}

void run_tower(benchmark::State& state, const TowerSizes& sizes, bool all_tokens, const BetweenBlocks& between = {}) {
  torch::set_num_threads(1);
  auto clip = frozen_model(sizes);
  const auto input = pixels(sizes, state.range(0));
  for (auto _ : state) {
    const auto feature = all_tokens ? clip.encode_image_tokens(input).select(1, 0) : clip.encode_image(input, between);
    feature.sum().backward();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

using Multiply = torch::Tensor (*)(const torch::Tensor& a, const torch::Tensor& b);  // a b^T

// The engines that LibTorch's linear and ours use.
torch::Tensor by_mm(const torch::Tensor& a, const torch::Tensor& b) {
  return at::mm(a, b.t());
}
torch::Tensor by_affine(const torch::Tensor& a, const torch::Tensor& b) {
  return fast_linear(a, b);
}

struct Layer {
  torch::Tensor x, weight, gradient;  // [M, I], [O, I], [M, O]
  bool backward = true;
};

Layer layer(int64_t rows, int64_t in, int64_t out, bool backward = true) {
  return {torch::randn({rows, in}), torch::randn({out, in}), torch::randn({rows, out}), backward};
}

void multiply(const Layer& layer, Multiply product) {
  benchmark::DoNotOptimize(product(layer.x, layer.weight));
  if (!layer.backward) return;
  benchmark::DoNotOptimize(product(layer.gradient, layer.weight.t()));
  benchmark::DoNotOptimize(product(layer.gradient.t(), layer.x.t()));
}

void multiply_attention(const torch::Tensor& heads, const torch::Tensor& weights) {  // [N*H, S, d], [N*H, S, S]
  for (int i = 0; i < 3; ++i) {  // forward; backward has twice as many
    benchmark::DoNotOptimize(at::bmm(heads, heads.transpose(1, 2)));
    benchmark::DoNotOptimize(at::bmm(weights, heads));
  }
}

void run_products(benchmark::State& state, const TowerSizes& sizes, Multiply product) {
  torch::set_num_threads(1);
  const torch::NoGradGuard no_grad;
  const int64_t n = state.range(0), w = sizes.vision_width, side = sizes.image_size / sizes.patch_size, p = side * side,
                m = n * (1 + p);
  const std::vector<Layer> block = {layer(m, w, 3 * w), layer(m, w, w), layer(m, w, 4 * w), layer(m, 4 * w, w)};
  const std::vector<Layer> last = {layer(m, w, 2 * w),
                                   layer(n, w, w),
                                   layer(n, w, w),
                                   layer(n, w, 4 * w),
                                   layer(n, 4 * w, w),
                                   layer(n, w, sizes.embed_dim),
                                   layer(n * p, 3 * sizes.patch_size * sizes.patch_size, w, /*backward=*/false)};
  const auto heads = torch::randn({n * w / 64, 1 + p, 64}), weights = torch::randn({n * w / 64, 1 + p, 1 + p});
  for (auto _ : state) {
    for (int64_t i = 0; i + 1 < sizes.vision_layers; ++i) {
      for (const auto& each : block) multiply(each, product);
      multiply_attention(heads, weights);
    }
    for (const auto& each : last) multiply(each, product);
  }
  state.SetItemsProcessed(state.iterations() * n);
}

void BM_ImageTower(benchmark::State& state, TowerSizes (*sizes)()) {
  run_tower(state, sizes(), /*all_tokens=*/false);
}
void BM_ImageTowerEveryToken(benchmark::State& state, TowerSizes (*sizes)()) {
  run_tower(state, sizes(), /*all_tokens=*/true);
}
// CenterCLIP's "6-4" of 12 frames.
void BM_ImageTowerClustering(benchmark::State& state) {
  run_tower(state, b32(), /*all_tokens=*/false, [](int64_t done, const torch::Tensor& tokens) {
    return done == 6 ? merge_segments(tokens, 3, ClusteringConfig()) : tokens;
  });
}
void BM_ProductsAlone(benchmark::State& state, TowerSizes (*sizes)()) {
  run_products(state, sizes(), by_affine);
}
void BM_ProductsAloneByMm(benchmark::State& state, TowerSizes (*sizes)()) {
  run_products(state, sizes(), by_mm);
}

#define TOWER_BENCHMARK(function)                                                                      \
  BENCHMARK_CAPTURE(function, tiny, tiny)->ArgName("images")->Arg(384)->Unit(benchmark::kMillisecond); \
  BENCHMARK_CAPTURE(function, b32, b32)->ArgName("images")->Arg(48)->Unit(benchmark::kMillisecond)
TOWER_BENCHMARK(BM_ImageTower);
TOWER_BENCHMARK(BM_ImageTowerEveryToken);
TOWER_BENCHMARK(BM_ProductsAlone);
TOWER_BENCHMARK(BM_ProductsAloneByMm);
#undef TOWER_BENCHMARK
BENCHMARK(BM_ImageTowerClustering)->ArgName("images")->Arg(48)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace glint
