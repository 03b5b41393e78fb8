// A training step of a head, forward and backward from features, beside its formula written out; peak_MB is what one
// step holds at a time beyond features and parameters. The literal form of GLCCL takes about 9 GB for 128 pairs.
//   build/release/benchmarks/head_bench --benchmark_filter=Glccl --benchmark_min_time=5
#include <benchmark/benchmark.h>

#include <functional>

#include "app/memory_peak.h"
#include "glint/model/head.h"
#include "model/literal/glccl.h"
#include "model/literal/glscl.h"

namespace glint {
namespace {

constexpr int64_t kWidth = 512, kWords = 32, kFrames = 12;

struct Features {
  torch::Tensor sentence, words, frames, word_mask, frame_mask;
};

Features random_features(int64_t pairs) {
  torch::manual_seed(1);
  const auto normal = [](std::vector<int64_t> shape) { return (torch::randn(shape) * 0.45).set_requires_grad(true); };
  return {normal({pairs, kWidth}), normal({pairs, kWords, kWidth}), normal({pairs, kFrames, kWidth}),
          torch::ones({pairs, kWords}, torch::kLong), torch::ones({pairs, kFrames}, torch::kLong)};
}

void measure(benchmark::State& state, const std::function<void()>& step) {
  step();  // makes the memory of the gradients
  {
    const app::MemoryPeak peak;
    step();
    state.counters["peak_MB"] = static_cast<double>(peak.bytes()) / 1e6;
  }
  for (auto _ : state) step();
}

void measure_head(benchmark::State& state, const HeadConfig& config) {
  const auto features = random_features(state.range(0));
  const auto head = make_head(config, {kWidth, kWords, kFrames});
  measure(state, [&] {
    const auto text = head->prepare_text({features.sentence, features.words, features.word_mask, {}});
    const auto video = head->prepare_video({features.frames, features.frames, features.frame_mask, {}});
    const auto output = head->score_pairs(text, video);
    auto loss = output.scores.square().sum();
    for (const auto& aux : output.aux) loss = loss + aux.value;
    loss.backward();
  });
}

void BM_HeadStepGlscl(benchmark::State& state) {
  measure_head(state, GlsclConfig{});
}

void BM_HeadStepGlsclLiteral(benchmark::State& state) {
  const auto features = random_features(state.range(0));
  literal::Glscl literal(GlsclConfig{}, kWidth);
  measure(state, [&] {
    const auto scores = literal.forward(features.sentence, features.words, features.frames, features.frame_mask);
    (scores.all.square().sum() + scores.icl + scores.idl).backward();
  });
}

void BM_HeadStepGlccl(benchmark::State& state) {
  measure_head(state, GlcclConfig{});
}

void BM_HeadStepGlcclLiteral(benchmark::State& state) {
  const auto features = random_features(state.range(0));
  const GlcclConfig config;
  literal::Glccl literal(config, kWidth, kWords, kFrames);
  measure(state, [&] {
    const auto scores =
        literal.forward(features.sentence, features.words, features.frames, features.word_mask, features.frame_mask);
    (scores.all.square().sum() + config.csc_weight * scores.csc).backward();
  });
}

BENCHMARK(BM_HeadStepGlscl)->ArgName("pairs")->Arg(64)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_HeadStepGlsclLiteral)->ArgName("pairs")->Arg(64)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_HeadStepGlccl)->ArgName("pairs")->Arg(64)->Arg(128)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_HeadStepGlcclLiteral)->ArgName("pairs")->Arg(64)->Arg(128)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace glint
