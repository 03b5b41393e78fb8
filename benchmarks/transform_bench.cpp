// Frame transform: picture -> 224 x 224, one thread. Both sides in one run:
//   build/release/benchmarks/transform_bench --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <algorithm>

#include "glint/core/random.h"
#include "glint/media/frame_transform.h"

namespace glint {
namespace {

constexpr int64_t kSize = 224;

Image picture(const benchmark::State& state) {
  Image image(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)));
  Random random({1});
  for (auto& byte : image.rgb) byte = static_cast<uint8_t>(random.below(256));
  return image;
}

// Resize, crop and planes; equal to Pillow in every byte.
void BM_FrameTransform(benchmark::State& state) {
  const auto image = picture(state);
  FrameTransform transform(kSize);
  std::vector<uint8_t> out(3 * kSize * kSize);
  for (auto _ : state) {
    transform.apply(image, out.data());
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}

// The resize alone, without crop and planes; 99.8 % of its bytes equal Pillow's.
void BM_LibTorchUpsample(benchmark::State& state) {
  const torch::NoGradGuard no_grad;
  torch::set_num_threads(1);
  auto image = picture(state);
  const auto pixels = torch::from_blob(image.rgb.data(), {1, image.height, image.width, 3}, torch::kUInt8)
                          .permute({0, 3, 1, 2});  // [1, 3, H, W], channels last
  const int64_t shorter = std::min(image.width, image.height);
  const std::vector<int64_t> resized = {kSize * image.height / shorter, kSize * image.width / shorter};
  for (auto _ : state) benchmark::DoNotOptimize(at::_upsample_bicubic2d_aa(pixels, resized, /*align_corners=*/false));
  state.SetItemsProcessed(state.iterations());
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"width", "height"})->Unit(benchmark::kMicrosecond);
  for (const auto& [width, height] : {std::pair{320, 240}, {640, 360}, {1920, 1080}}) bench->Args({width, height});
}
BENCHMARK(BM_FrameTransform)->Apply(sizes);
BENCHMARK(BM_LibTorchUpsample)->Apply(sizes);

}  // namespace
}  // namespace glint
