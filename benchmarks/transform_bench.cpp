// Frame transform: picture -> 224 x 224, and what RandAugment does to the picture before, one thread. Both sides of a
// ratio in one run:
//   build/release/benchmarks/transform_bench --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <algorithm>

#include "glint/core/random.h"
#include "glint/media/frame_transform.h"
#include "glint/media/rand_augment.h"

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

// A box as resized_crop_flip draws them: 3/4 of each side, mirrored.
void BM_ResizedCrop(benchmark::State& state) {
  const auto image = picture(state);
  const CropBox box{1, 1, image.width * 3 / 4, image.height * 3 / 4, true};
  FrameTransform transform(kSize);
  std::vector<uint8_t> out(3 * kSize * kSize);
  for (auto _ : state) {
    transform.apply(image, box, out.data());
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}

// One operation at level 7, by its number in AugmentOp.
void BM_Augment(benchmark::State& state) {
  const auto image = picture(state);
  const std::vector<AugmentStep> steps = {{static_cast<AugmentOp>(state.range(2)), 7, 1}};
  RandAugment augment;
  for (auto _ : state) {
    benchmark::DoNotOptimize(augment.apply(image, steps).rgb.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}

// One draw after another, as a clip's frames meet them: what training adds to a frame on average.
void BM_AugmentDraws(benchmark::State& state) {
  const auto image = picture(state);
  RandAugment augment;
  Random random({2});
  for (auto _ : state) {
    benchmark::DoNotOptimize(augment.apply(image, draw_rand_augment(random)).rgb.data());
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
void operations(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"width", "height", "op"})->Unit(benchmark::kMicrosecond);
  for (int op = 0; op < kAugmentOps; ++op) bench->Args({320, 240, op});
}
BENCHMARK(BM_FrameTransform)->Apply(sizes);
BENCHMARK(BM_ResizedCrop)->Apply(sizes);
BENCHMARK(BM_AugmentDraws)->Apply(sizes);
BENCHMARK(BM_Augment)->Apply(operations);
BENCHMARK(BM_LibTorchUpsample)->Apply(sizes);

}  // namespace
}  // namespace glint
