// A training step of the GLSCL head, forward and backward from features, beside the formula written out.
//   build/release/benchmarks/head_bench --benchmark_min_time=5
#include <benchmark/benchmark.h>

#include "glint/model/head.h"
#include "support/literal_glscl.h"

namespace glint {
namespace {

constexpr int64_t kWidth = 512, kWords = 32, kFrames = 12;

struct Features {
  torch::Tensor sentence, words, frames, mask;
};

Features random_features(int64_t pairs) {
  torch::manual_seed(1);
  const auto normal = [](std::vector<int64_t> shape) { return (torch::randn(shape) * 0.45).set_requires_grad(true); };
  return {normal({pairs, kWidth}), normal({pairs, kWords, kWidth}), normal({pairs, kFrames, kWidth}),
          torch::ones({pairs, kFrames}, torch::kLong)};
}

void BM_HeadStepGlscl(benchmark::State& state) {
  const auto features = random_features(state.range(0));
  const auto head = make_head(GlsclConfig{}, {kWidth, kWords, kFrames});
  for (auto _ : state) {
    const auto text = head->prepare_text({features.sentence, features.words, {}, {}});
    const auto video = head->prepare_video({features.frames, features.frames, features.mask, {}});
    const auto output = head->score_pairs(text, video);
    (output.scores.square().sum() + output.aux[0].value + output.aux[1].value).backward();
  }
}

void BM_HeadStepGlsclLiteral(benchmark::State& state) {
  const auto features = random_features(state.range(0));
  test::LiteralGlscl literal(GlsclConfig{}, kWidth);
  for (auto _ : state) {
    const auto scores = literal.forward(features.sentence, features.words, features.frames, features.mask);
    (scores.all.square().sum() + scores.icl + scores.idl).backward();
  }
}

BENCHMARK(BM_HeadStepGlscl)->ArgName("pairs")->Arg(64)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_HeadStepGlsclLiteral)->ArgName("pairs")->Arg(64)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace glint
