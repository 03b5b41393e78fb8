// Reading weights beside reading the bytes of their file. 600 MB in 150 tensors, in the system's file cache. One run:
//   build/release/benchmarks/weights_bench --benchmark_repetitions=5
// Real time; peak_MB is the process's most resident memory beyond what it had before, the file's mapped pages included.
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "glint/io/torch_file.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr int kTensors = 150;
constexpr int64_t kNumbers = 1'000'000;  // of each; 4 bytes a number

fs::path folder() {
  return fs::temp_directory_path() / "glint_weights_bench";
}

TensorMap weights() {
  TensorMap tensors;
  for (int i = 0; i < kTensors; ++i) tensors["blocks." + std::to_string(i)] = torch::randn({1000, kNumbers / 1000});
  return tensors;
}

void write_files() {
  fs::create_directories(folder());
  const auto tensors = weights();
  write_torch_file(folder() / "weights.pt", tensors);
  write_safetensors(folder() / "weights.safetensors", tensors);
}

double resident_mb(const char* key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return std::stod(line.substr(line.find(':') + 1)) * 1024 / 1e6;
  }
  return 0;
}

class Peak {
 public:
  Peak() {
    std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins anew
    before_ = resident_mb("VmRSS");
  }
  void report(benchmark::State& state) const { state.counters["peak_MB"] = resident_mb("VmHWM") - before_; }

 private:
  double before_;
};

void BM_ReadBytes(benchmark::State& state) {
  const Peak peak;
  for (auto _ : state) {
    std::ifstream in(folder() / "weights.pt", std::ios::binary);
    const auto size = fs::file_size(folder() / "weights.pt");
    const auto bytes = std::make_unique_for_overwrite<char[]>(size);
    in.read(bytes.get(), static_cast<std::streamsize>(size));
    benchmark::DoNotOptimize(bytes.get());
  }
  peak.report(state);
}

TensorMap read(const fs::path& path) {
  return path.extension() == ".safetensors" ? read_safetensors(path).tensors : read_torch_file(path).tensors;
}

// GLINT_BENCH_WEIGHTS names another file, of any format.
fs::path file(const char* name) {
  const char* other = std::getenv("GLINT_BENCH_WEIGHTS");
  return other != nullptr ? fs::path(other) : folder() / name;
}

void BM_ReadWeights(benchmark::State& state, const char* name) {
  const Peak peak;
  for (auto _ : state) benchmark::DoNotOptimize(read(file(name)));
  peak.report(state);
}

// Read, and copied into a model that is there already.
void BM_LoadWeights(benchmark::State& state, const char* name) {
  auto model = read(file(name));
  for (auto& [key, tensor] : model) tensor = tensor.clone();
  const Peak peak;
  for (auto _ : state) {
    for (const auto& [key, tensor] : read(file(name))) model.at(key).copy_(tensor);
  }
  peak.report(state);
}

BENCHMARK(BM_ReadBytes)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(BM_ReadWeights, torch_save, "weights.pt")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(BM_ReadWeights, safetensors, "weights.safetensors")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(BM_LoadWeights, torch_save, "weights.pt")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(BM_LoadWeights, safetensors, "weights.safetensors")->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace glint

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  glint::write_files();
  benchmark::RunSpecifiedBenchmarks();
  std::filesystem::remove_all(glint::folder());
}
