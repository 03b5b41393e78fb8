// Decoding in a process of its own beside decoding here: 12 frames of each video of a folder, as training takes them,
// in turns, and the best pass of each way. Also how long a decoder takes to start, and what memory it has.
//   build/release/benchmarks/isolation_bench FOLDER [passes, 5] [frames, 12]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "app/video_list.h"
#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "glint/media/frame_sampler.h"
#include "glint/media/frame_transform.h"
#include "glint/media/video_reader.h"
#include "media/worker_process.h"

namespace glint {
namespace {

constexpr int kSize = 224;

double seconds_of(const std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// -> hash of the frames as the towers take them, or 0 where the file cannot be read.
std::uint64_t decode(const std::string& path, bool isolate, std::int64_t frames) {
  static FrameTransform transform(kSize);
  std::vector<std::uint8_t> out(static_cast<std::size_t>(frames) * 3 * kSize * kSize);
  ReaderOptions options;
  options.isolate = isolate;
  try {
    VideoReader reader(path, options);
    SamplingRequest request;
    request.num_frames = frames;
    const auto numbers =
        sample_frames(SamplingPolicy::kUniform3Fps,
                      {&reader.frame_times(), reader.info().average_fps, reader.info().duration_s}, request);
    reader.read_frames(numbers, [&](std::size_t position, const Image& image) {
      transform.apply(image, out.data() + position * 3 * kSize * kSize);
    });
    return xxhash64(out.data(), out.size());
  } catch (const Error&) {
    return 0;
  }
}

void print_start() {
  const auto start = std::chrono::steady_clock::now();
  const media::WorkerProcess worker;
  const double seconds = seconds_of(start);
  std::ifstream status("/proc/" + std::to_string(worker.pid()) + "/status");
  std::string word, resident_kb, own_kb;
  while (status >> word) {
    if (word == "VmRSS:") status >> resident_kb;
    if (word == "RssAnon:") status >> own_kb;
  }
  std::printf("start of a decoder: %.1f ms, %s kB resident, %s kB of them its own\n", seconds * 1e3,
              resident_kb.c_str(), own_kb.c_str());
}

void compare(const std::string& folder, int passes, std::int64_t frames) {
  const auto files = app::list_videos(folder);
  std::int64_t different = 0;
  for (const auto& file : files) {  // also warms both up
    if (decode(file.string(), false, frames) != decode(file.string(), true, frames)) {
      ++different;
      std::printf("other frames: %s\n", file.c_str());
    }
  }
  double best_s[2] = {1e9, 1e9};
  for (int pass = 0; pass < passes; ++pass) {
    for (const bool isolate : {false, true}) {
      const auto start = std::chrono::steady_clock::now();
      for (const auto& file : files) decode(file.string(), isolate, frames);
      best_s[isolate ? 1 : 0] = std::min(best_s[isolate ? 1 : 0], seconds_of(start));
    }
  }
  std::printf("%zu files, %lld with other frames\nhere %.3f s, isolated %.3f s: %+.1f %%\n", files.size(),
              static_cast<long long>(different), best_s[0], best_s[1], (best_s[1] / best_s[0] - 1) * 100);
}

}  // namespace
}  // namespace glint

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "error: name a folder of videos\n";
    return 1;
  }
  try {
    glint::print_start();
    glint::compare(argv[1], argc > 2 ? std::stoi(argv[2]) : 5, argc > 3 ? std::stoll(argv[3]) : 12);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
