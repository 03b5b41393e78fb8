// Decodes the videos of a folder over and over, 12 frames of each as training does, the unreadable ones too, and prints
// what memory the process has in use every 1,000 decodes: after the first rounds it must not grow.
//   build/release/benchmarks/decode_soak FOLDER [decodes, 10000] [largest file, bytes]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "app/resident_peak.h"
#include "app/video_list.h"
#include "glint/core/error.h"
#include "glint/media/frame_sampler.h"
#include "glint/media/frame_transform.h"
#include "glint/media/video_reader.h"

namespace glint {
namespace {

constexpr std::int64_t kFrames = 12;
constexpr int kSize = 224;

std::int64_t decode(const std::string& path, FrameTransform& transform, std::vector<std::uint8_t>& out) {
  VideoReader reader(path);
  SamplingRequest request;
  request.num_frames = kFrames;
  const auto frames =
      sample_frames(SamplingPolicy::kUniform3Fps,
                    {&reader.frame_times(), reader.info().average_fps, reader.info().duration_s}, request);
  reader.read_frames(frames, [&](std::size_t, const Image& image) { transform.apply(image, out.data()); });
  return std::ssize(frames);
}

void soak(const std::string& folder, std::int64_t decodes, std::uintmax_t largest_bytes) {
  auto files = app::list_videos(folder);
  std::erase_if(files, [&](const auto& file) { return std::filesystem::file_size(file) > largest_bytes; });
  if (files.empty()) throw Error(folder, ": no video is small enough");
  FrameTransform transform(kSize);
  std::vector<std::uint8_t> out(std::size_t{3} * kSize * kSize);
  std::int64_t frames = 0, errors = 0;
  const auto start = std::chrono::steady_clock::now();
  std::printf("%zu files\n%10s %10s %8s %12s %10s\n", files.size(), "decodes", "frames", "errors", "resident MB",
              "seconds");
  for (std::int64_t done = 1; done <= decodes; ++done) {
    try {
      frames += decode(files[static_cast<std::size_t>(done) % files.size()].string(), transform, out);
    } catch (const Error&) {  // what a bad file ends in
      ++errors;
    }
    if (done % 1000 != 0 && done != decodes) continue;
    std::printf("%10lld %10lld %8lld %12.2f %10.1f\n", static_cast<long long>(done), static_cast<long long>(frames),
                static_cast<long long>(errors), static_cast<double>(app::resident_bytes().value_or(0)) / 1e6,
                std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace glint

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "error: name a folder of videos\n";
    return 1;
  }
  try {
    glint::soak(argv[1], argc > 2 ? std::stoll(argv[2]) : 10'000, argc > 3 ? std::stoull(argv[3]) : UINTMAX_MAX);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
