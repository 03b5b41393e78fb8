// Frame cache: reading clips from the page cache against copying as many bytes of memory, and building it against
// decoding alone; both sides of a ratio in one run:
//   build/release/benchmarks/cache_bench --benchmark_repetitions=5 --benchmark_enable_random_interleaving=true
// GLINT_BENCH_CLIPS=FOLDER: the videos (default: real_clips of GLINT_SHARED_DIR, else of ../shared).
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "data/clip_decoder.h"
#include "data/frame_maker.h"
#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/core/random.h"
#include "glint/core/thread_pool.h"
#include "glint/data/clip_source.h"
#include "glint/data/frame_cache.h"
#include "support/environment.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCodecs[] = {"raw", "yuv420", "jpeg"};

std::vector<Clip> real_clips() {
  fs::path folder;
  if (const char* named = std::getenv("GLINT_BENCH_CLIPS")) {
    folder = named;
  } else if (const auto shared = test::shared_dir()) {
    folder = *shared / "data/real_clips";
  }
  std::vector<Clip> clips;
  if (folder.empty()) return clips;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto extension = entry.path().extension();
    if (extension != ".mp4" && extension != ".mkv" && extension != ".webm" && extension != ".avi") continue;
    clips.push_back({entry.path().filename().string(), entry.path(), std::nullopt, std::nullopt, {}});
  }
  std::sort(clips.begin(), clips.end(), [](const Clip& a, const Clip& b) { return a.id < b.id; });
  return clips;
}

// A cache of the clips, made once for each codec and content.
struct Cached {
  test::TemporaryFolder folder;
  DataConfig data;
  VideoConfig video;
  std::vector<Clip> clips;
};

const Cached& cached(std::size_t codec, bool pictures) {
  static std::map<std::pair<std::size_t, bool>, std::unique_ptr<Cached>> all;
  auto& one = all[{codec, pictures}];
  if (one) return *one;
  one = std::make_unique<Cached>();
  one->data.cache = (one->folder / "cache").string();
  one->data.cache_codec = kCodecs[codec];
  if (pictures) one->video.augment = "resized_crop_flip";
  one->clips = real_clips();
  const auto built = build_frame_cache(one->clips, one->data, one->video);
  std::erase_if(one->clips, [&](const Clip& clip) {
    return std::any_of(built.bad.begin(), built.bad.end(), [&](const auto& bad) { return bad.clip == clip.id; });
  });
  return *one;
}

// Clips into a batch's rows, one thread, the source as training has it. Bytes are those of the frames given.
void BM_ReadCachedFrames(benchmark::State& state) {
  const auto& set = cached(static_cast<std::size_t>(state.range(0)), /*pictures=*/false);
  state.SetLabel(kCodecs[state.range(0)]);
  if (set.clips.empty()) return state.SkipWithError("no clips");
  ClipSource source(set.data, set.video);
  const auto rows = static_cast<int64_t>(set.clips.size());
  const auto batch = torch::zeros({rows, 12, 3, 224, 224}, torch::kUInt8);
  std::vector<int64_t> mask(12);
  int64_t frames = 0;
  for (auto _ : state) {
    frames = 0;
    for (int64_t row = 0; row < rows; ++row) {
      source.read_into(set.clips[static_cast<std::size_t>(row)], std::nullopt,
                       batch.data_ptr<std::uint8_t>() + row * batch.stride(0), mask.data());
      frames += std::count(mask.begin(), mask.end(), 1);
    }
  }
  state.SetBytesProcessed(state.iterations() * frames * 3 * 224 * 224);
}

// As many bytes from one block of memory to another.
void BM_CopyMemory(benchmark::State& state) {
  const auto& set = cached(0, /*pictures=*/false);
  if (set.clips.empty()) return state.SkipWithError("no clips");
  const auto rows = static_cast<int64_t>(set.clips.size());
  const auto from = torch::ones({rows, 12, 3, 224, 224}, torch::kUInt8);
  const auto to = torch::zeros_like(from);
  const auto row_bytes = static_cast<std::size_t>(from.stride(0));
  for (auto _ : state) {
    for (std::size_t row = 0; row < set.clips.size(); ++row) {
      std::memcpy(to.data_ptr<std::uint8_t>() + row * row_bytes, from.data_ptr<std::uint8_t>() + row * row_bytes,
                  row_bytes);
    }
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(from.nbytes()));
}

// Every clip decoded and transformed by all cores, nothing kept.
void BM_DecodeAlone(benchmark::State& state) {
  const auto& set = cached(0, /*pictures=*/false);
  if (set.clips.empty()) return state.SkipWithError("no clips");
  for (auto _ : state) {
    ThreadPool pool(static_cast<int>(state.range(0)));
    FrameMakerPool makers(set.video);
    std::vector<std::future<void>> done;
    for (const auto& clip : set.clips) {
      done.push_back(pool.submit([&] {
        FrameMaker maker = makers.take();
        maker.begin_clip(std::nullopt);
        std::vector<std::uint8_t> out(3 * 224 * 224);
        decode_clip(clip, set.video, [&](std::size_t, const Image& picture) { maker.make(picture, out.data()); });
        makers.give_back(std::move(maker));
      }));
    }
    for (auto& one : done) one.get();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(set.clips.size()));
}

void BM_BuildCache(benchmark::State& state) {
  const auto& set = cached(0, /*pictures=*/false);
  if (set.clips.empty()) return state.SkipWithError("no clips");
  const test::TemporaryFolder folder;
  auto data = set.data;
  data.workers = state.range(0);
  int64_t number = 0;
  for (auto _ : state) {
    data.cache = (folder / concat(number++)).string();
    build_frame_cache(set.clips, data, set.video);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(set.clips.size()));
}

// Size and error of a codec on the clips' frames, or on their pictures; not a time.
void BM_SizeAndError(benchmark::State& state) {
  const bool pictures = state.range(1) != 0;
  const auto& exact = cached(0, pictures);
  const auto& lossy = cached(static_cast<std::size_t>(state.range(0)), pictures);
  state.SetLabel(concat(kCodecs[state.range(0)], pictures ? ", pictures" : ", frames"));
  if (exact.clips.empty()) return state.SkipWithError("no clips");
  double squares = 0, absolute = 0, count = 0, most = 0;
  for (auto _ : state) {
    ClipSource ours(exact.data, exact.video), theirs(lossy.data, lossy.video);
    for (const auto& clip : exact.clips) {
      const auto read = ours.read(clip);
      const auto difference = (read.frames.to(torch::kInt32) - theirs.read(clip).frames.to(torch::kInt32)).abs();
      squares += difference.square().sum().item<double>();
      absolute += difference.sum().item<double>();
      most = std::max(most, difference.max().item<double>());
      count += read.mask.sum().item<double>() * 3 * 224 * 224;  // not of the padding
    }
  }
  const auto bytes_of = [](const Cached& set) {
    double bytes = 0;
    for (const auto& entry : fs::directory_iterator(set.data.cache)) {
      bytes += entry.path().filename().string().rfind("pack_", 0) == 0 ? static_cast<double>(entry.file_size()) : 0;
    }
    return bytes;
  };
  state.counters["share_of_raw"] = bytes_of(lossy) / bytes_of(exact);
  state.counters["mean_error"] = absolute / count;
  state.counters["largest_error"] = most;
  state.counters["psnr_db"] = 10 * std::log10(255.0 * 255.0 * count / squares);
}

BENCHMARK(BM_ReadCachedFrames)->ArgName("codec")->Arg(0)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_CopyMemory)->Unit(benchmark::kMillisecond);
void all_cores(benchmark::internal::Benchmark* bench) {
  bench->ArgName("workers")->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime()->MeasureProcessCPUTime();
}
BENCHMARK(BM_DecodeAlone)->Apply(all_cores);
BENCHMARK(BM_BuildCache)->Apply(all_cores);
BENCHMARK(BM_SizeAndError)
    ->ArgNames({"codec", "pictures"})
    ->ArgsProduct({{1, 2}, {0, 1}})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace glint
