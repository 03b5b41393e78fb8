// How long a training of ViT-B/32 towers stands still for a checkpoint, beside writing it at once. One run:
//   build/release/benchmarks/checkpoint_bench --benchmark_repetitions=5
// Real time. The checkpoint holds weights and both moments, 1.8 GB; it goes to the folder for temporary files. The
// number behind BM_Pause: milliseconds from the checkpoint to the next change of the weights, most of a training step,
// in which the benchmark itself does nothing; copied_MB: what was not written by then.
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "glint/config/config.h"
#include "glint/text/tokenizer.h"
#include "glint/train/run_checkpoints.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kParameters = 151'277'313 / 1000;  // of ViT-B/32's towers, in thousands

TrainTensors tensors() {
  TrainTensors all;
  constexpr int64_t kTensors = 150;
  for (int64_t i = 0; i < kTensors; ++i) {
    const auto name = "clip.block" + std::to_string(i);
    const auto like = [] { return torch::ones({kParameters / kTensors, 1000}); };
    all.model[name] = like();
    all.optimizer[name + ".m"] = like();
    all.optimizer[name + ".v"] = like();
  }
  return all;
}

Config config() {
  Config config;
  config.run.dir = (fs::temp_directory_path() / "glint_checkpoint_bench").string();
  config.train.keep = 1;
  return config;
}

std::shared_ptr<const Tokenizer> tokenizer() {
  std::vector<std::string> captions;
  for (int i = 0; i < 200; ++i) captions.push_back("a red square moves left over the ground " + std::to_string(i));
  return train_sentencepiece(captions, 60);
}

void BM_Pause(benchmark::State& state) {
  RunCheckpoints checkpoints(config(), tokenizer());
  const auto all = tensors();
  TrainState at;
  checkpoints.save(all, at);  // the first one finds the memory for the others
  std::this_thread::sleep_for(std::chrono::milliseconds(state.range(0)));
  checkpoints.before_change();
  checkpoints.wait();
  for (auto _ : state) {
    ++at.step;
    checkpoints.save(all, at);
    state.PauseTiming();
    std::this_thread::sleep_for(std::chrono::milliseconds(state.range(0)));
    state.ResumeTiming();
    checkpoints.before_change();
    state.PauseTiming();
    checkpoints.wait();
    state.ResumeTiming();
  }
  fs::remove_all(config().run.dir);
}

void BM_WrittenAtOnce(benchmark::State& state) {
  const auto all = tensors();
  const auto words = tokenizer();
  TrainState at;
  for (auto _ : state) {
    ++at.step;
    save_checkpoint(fs::path(config().run.dir) / "checkpoints" / "step_000001", config(), *words, all, at);
  }
  fs::remove_all(config().run.dir);
}

BENCHMARK(BM_Pause)->Arg(0)->Arg(1000)->Arg(4000)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(4);
BENCHMARK(BM_WrittenAtOnce)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(2);

}  // namespace
}  // namespace glint
