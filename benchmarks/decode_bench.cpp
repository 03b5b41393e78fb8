// Three ways to the same frames of the uniform_3fps grid as RGB, in one run: VideoReader's plan, decoding everything in
// order, and a seek for every frame. The two others are plain libav loops that convert the wanted frames alone.
//   build/release/benchmarks/decode_bench [google-benchmark flags] [video files; none: the shared real clips together]
#include <benchmark/benchmark.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "glint/core/error.h"
#include "glint/media/frame_sampler.h"
#include "glint/media/video_reader.h"
#include "media/av.h"
#include "media/rgb_converter.h"
#include "support/environment.h"

namespace glint {
namespace {

using namespace media;

std::vector<std::int64_t> wanted_frames(const VideoReader& reader, std::int64_t num_frames) {
  SamplingRequest request;
  request.num_frames = num_frames;
  const auto& info = reader.info();
  return sample_frames(SamplingPolicy::kUniform3Fps, {&reader.frame_times(), info.average_fps, info.duration_s},
                       request);
}

// The frames to ask the plain loops for; found outside the clock.
struct Job {
  std::string path;
  std::vector<double> times_s;
};

Job job_of(const std::string& path, std::int64_t num_frames) {
  const VideoReader reader(path);
  Job job{path, {}};
  for (const auto frame : wanted_frames(reader, num_frames)) job.times_s.push_back(reader.frame_times()[frame]);
  return job;
}

void read_planned(const Job& job, std::int64_t num_frames) {
  VideoReader reader(job.path);
  reader.read_frames(wanted_frames(reader, num_frames),
                     [](std::size_t, const Image& image) { benchmark::DoNotOptimize(image.rgb.data()); });
}

// An open file and its decoder, as FFmpeg's examples set them up; one thread.
class PlainFile {
 public:
  explicit PlainFile(const std::string& path) : packet_(av_packet_alloc()), frame_(av_frame_alloc()), to_rgb_(path, 0) {
    AVFormatContext* raw = nullptr;
    av_check(avformat_open_input(&raw, ("file:" + path).c_str(), nullptr, nullptr), path, "open");
    format_.reset(raw);
    avformat_find_stream_info(raw, nullptr);
    const AVCodec* decoder = nullptr;
    stream_ = av_check(av_find_best_stream(raw, AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0), path, "stream");
    codec_.reset(avcodec_alloc_context3(decoder));
    avcodec_parameters_to_context(codec_.get(), raw->streams[stream_]->codecpar);
    codec_->pkt_timebase = raw->streams[stream_]->time_base;
    codec_->thread_count = 1;
    av_check(avcodec_open2(codec_.get(), decoder, nullptr), path, "decoder");
  }

  // The next frame in order; nullptr after the last.
  const AVFrame* next() {
    while (avcodec_receive_frame(codec_.get(), frame_.get()) < 0) {
      if (is_drained_) return nullptr;
      if (av_read_frame(format_.get(), packet_.get()) < 0) {
        is_drained_ = true;
        avcodec_send_packet(codec_.get(), nullptr);
        continue;
      }
      if (packet_->stream_index == stream_) avcodec_send_packet(codec_.get(), packet_.get());
      av_packet_unref(packet_.get());
    }
    return frame_.get();
  }

  double time_s(const AVFrame& frame) const {
    return static_cast<double>(frame.best_effort_timestamp) * av_q2d(format_->streams[stream_]->time_base);
  }

  void seek(double time_s) {
    const auto ticks = static_cast<std::int64_t>(time_s / av_q2d(format_->streams[stream_]->time_base));
    av_seek_frame(format_.get(), stream_, ticks, AVSEEK_FLAG_BACKWARD);
    avcodec_flush_buffers(codec_.get());
    is_drained_ = false;
  }

  void convert(const AVFrame& frame) { benchmark::DoNotOptimize(to_rgb_.convert(frame).rgb.data()); }

 private:
  AvPtr<AVFormatContext> format_;
  AvPtr<AVCodecContext> codec_;
  AvPtr<AVPacket> packet_;
  AvPtr<AVFrame> frame_;
  RgbConverter to_rgb_;
  int stream_ = -1;
  bool is_drained_ = false;
};

constexpr double kSlackSeconds = 1e-4;

void read_in_order(const Job& job, std::int64_t) {
  PlainFile file(job.path);
  std::size_t at = 0;
  while (at < job.times_s.size()) {
    const AVFrame* frame = file.next();
    if (frame == nullptr) break;
    if (file.time_s(*frame) < job.times_s[at] - kSlackSeconds) continue;
    file.convert(*frame);
    ++at;
  }
}

void read_seeking(const Job& job, std::int64_t) {
  PlainFile file(job.path);
  for (const double wanted_s : job.times_s) {
    file.seek(wanted_s);
    const AVFrame* frame = file.next();
    while (frame != nullptr && file.time_s(*frame) < wanted_s - kSlackSeconds) frame = file.next();
    if (frame != nullptr) file.convert(*frame);
  }
}

using Way = void (*)(const Job&, std::int64_t);

void register_way(const std::string& way_name, Way way, const std::string& label, const std::vector<std::string>& paths,
                  std::int64_t num_frames) {
  const std::string name = concat("BM_Decode/", way_name, "/frames:", num_frames, "/", label);
  const auto run = [way, paths, num_frames](benchmark::State& state) {
    std::vector<Job> jobs;
    for (const auto& path : paths) jobs.push_back(job_of(path, num_frames));
    for (auto _ : state) {
      for (const auto& job : jobs) way(job, num_frames);
    }
    state.SetItemsProcessed(state.iterations() * std::ssize(paths));  // videos
  };
  benchmark::RegisterBenchmark(name.c_str(), run)->Unit(benchmark::kMillisecond);
}

std::vector<std::string> shared_clips() {
  std::vector<std::string> paths;
  const auto shared = test::shared_dir();
  if (!shared) throw Error("name video files, or set GLINT_SHARED_DIR to a folder with data/real_clips");
  for (const auto& entry : std::filesystem::directory_iterator(*shared / "data" / "real_clips")) {
    if (entry.path().extension() != ".json" && entry.path().extension() != ".md") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

void register_all(const std::vector<std::string>& named) {
  std::vector<std::pair<std::string, std::vector<std::string>>> sets;
  for (const auto& path : named) sets.push_back({std::filesystem::path(path).filename(), {path}});
  if (named.empty()) sets.push_back({"real_clips", shared_clips()});
  for (const auto& [label, paths] : sets) {
    for (const std::int64_t num_frames : {12, 64}) {
      register_way("planned", read_planned, label, paths, num_frames);
      register_way("in_order", read_in_order, label, paths, num_frames);
      register_way("seeking", read_seeking, label, paths, num_frames);
    }
  }
}

}  // namespace
}  // namespace glint

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  glint::media::quiet_libav();
  try {
    glint::register_all({argv + 1, argv + argc});
    benchmark::RunSpecifiedBenchmarks();
  } catch (const glint::Error& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
