#include "app/decode_bench.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <future>
#include <optional>
#include <utility>

#include "app/resident_peak.h"
#include "app/video_list.h"
#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "glint/core/progress.h"
#include "glint/core/thread_pool.h"
#include "glint/media/frame_sampler.h"
#include "glint/media/frame_transform.h"
#include "glint/media/plain_reader.h"

namespace glint::app {

namespace {

constexpr double kSameTimeSeconds = 1e-4;  // between a frame's time as two ways read it

// What one thread needs: tables and a place for the frames, kept from video to video. Not shared.
struct Worker {
  Worker(int64_t frames, int64_t size)
      : transform(static_cast<int>(size)),
        frame_bytes(static_cast<std::size_t>(3 * size * size)),
        out(static_cast<std::size_t>(frames) * frame_bytes) {}

  void take(std::size_t position, const Image& image) {
    const auto start = std::chrono::steady_clock::now();
    transform.apply(image, out.data() + position * frame_bytes);
    resize_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  std::string digest(std::size_t frames) const {
    return sha256({reinterpret_cast<const char*>(out.data()), frames * frame_bytes});
  }

  FrameTransform transform;
  std::size_t frame_bytes;
  std::vector<std::uint8_t> out;  // uint8 [N, 3, R, R]
  double resize_s = 0;
  ReadingTime reading = {};
};

std::vector<int64_t> wanted_frames(const VideoReader& reader, int64_t count) {
  SamplingRequest request;
  request.num_frames = count;
  return sample_frames(SamplingPolicy::kUniform3Fps,
                       {&reader.frame_times(), reader.info().average_fps, reader.info().duration_s}, request);
}

void add(ReadingTime& sum, const ReadingTime& more) {
  sum.open_s += more.open_s;
  sum.index_s += more.index_s;
  sum.decode_s += more.decode_s;
  sum.convert_s += more.convert_s;
}

// Our way; -> the frames' times.
std::vector<double> read_planned(const std::filesystem::path& file, int64_t count, Worker& worker) {
  VideoReader reader(file.string());
  const auto frames = wanted_frames(reader, count);
  reader.read_frames(frames, [&](std::size_t position, const Image& image) { worker.take(position, image); });
  add(worker.reading, reader.time_spent());
  std::vector<double> times_s;
  for (const auto frame : frames) times_s.push_back(reader.frame_times()[static_cast<std::size_t>(frame)]);
  return times_s;
}

// The other ways are told the frames' times, which they would have to find out too. A frame without a time of its own
// follows the one before it.
void read_in_order(const DecodedVideo& video, Worker& worker) {
  PlainReader reader(video.file.string());
  for (std::size_t at = 0; at < video.times_s.size() && reader.next();) {
    for (; at < video.times_s.size() && reader.time_s() > video.times_s[at] - kSameTimeSeconds; ++at) {
      worker.take(at, reader.image());
    }
  }
}

void read_seeking(const DecodedVideo& video, Worker& worker) {
  PlainReader reader(video.file.string());
  for (std::size_t at = 0; at < video.times_s.size(); ++at) {
    reader.seek(video.times_s[at]);
    bool found = false;
    while (!found && reader.next()) found = reader.time_s() > video.times_s[at] - kSameTimeSeconds;
    if (found) worker.take(at, reader.image());
  }
}

struct Way {
  const char* name;
  void (*read)(const DecodedVideo&, Worker&);
};
constexpr Way kOtherWays[] = {{"decode/in_order", read_in_order}, {"decode/seek_each", read_seeking}};

// False where this way cannot read the video at all, which is as good as other frames.
bool reads(const Way& way, const DecodedVideo& video, Worker& worker) {
  try {
    way.read(video, worker);
    return true;
  } catch (const BadFile&) {
    return false;
  }
}

// What the process has computed so far.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

class Bench {
 public:
  explicit Bench(const DecodeBenchOptions& options) : options_(options) {
    for (int64_t i = 0; i < options.threads; ++i) workers_.emplace_back(options.frames, options.size);
    if (options.threads > 1) pool_.emplace(static_cast<int>(options.threads));
  }

  // Finds out what can be read, and what comes of it. Not timed, but the first to want memory.
  void explore();
  // Which videos come out otherwise in the other ways. Not timed either.
  void compare();
  // Another pass in each way, turn by turn: what else the machine does meets all.
  void time_once();
  DecodeReport take_report() { return std::move(report_); }

 private:
  // Runs `work(number, worker)` for all numbers below `count`, each thread with its own worker; -> seconds.
  template <class Work>
  double over(std::size_t count, const Work& work);

  const DecodeBenchOptions& options_;
  DecodeReport report_;
  std::vector<Worker> workers_;
  std::optional<ThreadPool> pool_;
};

template <class Work>
double Bench::over(std::size_t count, const Work& work) {
  std::atomic<std::size_t> next = 0;
  const auto run = [&](Worker& worker) {
    worker.reading = {};
    worker.resize_s = 0;
    for (std::size_t i = next++; i < count; i = next++) work(i, worker);
  };
  const auto start = std::chrono::steady_clock::now();
  if (pool_) {
    std::vector<std::future<void>> threads;
    for (auto& worker : workers_) threads.push_back(pool_->submit([&] { run(worker); }));
    for (auto& thread : threads) thread.wait();  // all, before one throws: they use what is on this stack
    for (auto& thread : threads) thread.get();
  } else {
    run(workers_.front());
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void Bench::explore() {
  const auto files = list_videos(options_.path);
  std::vector<DecodedVideo> videos(files.size());
  std::vector<std::string> causes(files.size());
  const ResidentPeak peak;
  over(files.size(), [&](std::size_t i, Worker& worker) {
    videos[i].file = files[i];
    try {
      videos[i].times_s = read_planned(files[i], options_.frames, worker);
      videos[i].sha256 = worker.digest(videos[i].times_s.size());
    } catch (const BadFile& error) {  // listed; the others go on
      causes[i] = error.what();
    }
  });
  report_.ways.push_back({.name = "decode/plan"});
  report_.ways.back().peak_bytes = peak.bytes();
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!causes[i].empty()) {
      report_.unreadable.push_back({files[i], causes[i]});
      continue;
    }
    report_.frames += std::ssize(videos[i].times_s);
    report_.videos.push_back(std::move(videos[i]));
  }
  if (report_.videos.empty()) {
    throw Error(options_.path, ": none of its ", files.size(), " videos can be read; the first: ", causes.front());
  }
}

void Bench::compare() {
  for (const auto& way : kOtherWays) {
    std::atomic<int64_t> different = 0;
    over(report_.videos.size(), [&](std::size_t i, Worker& worker) {
      const auto& video = report_.videos[i];
      std::fill(worker.out.begin(), worker.out.end(), std::uint8_t{0});
      if (!reads(way, video, worker) || worker.digest(video.times_s.size()) != video.sha256) ++different;
    });
    report_.ways.push_back({.name = way.name});
    report_.ways.back().different_videos = different;
  }
}

void Bench::time_once() {
  for (std::size_t w = 0; w < report_.ways.size(); ++w) {
    auto& way = report_.ways[w];
    const double cpu_start_s = cpu_seconds();
    const double seconds = over(report_.videos.size(), [&](std::size_t i, Worker& worker) {
      const auto& video = report_.videos[i];
      if (w == 0) {
        read_planned(video.file, options_.frames, worker);
      } else {
        reads(kOtherWays[w - 1], video, worker);
      }
    });
    ++way.runs;
    if (seconds >= way.seconds) continue;
    way.seconds = seconds;
    way.cpu_seconds = cpu_seconds() - cpu_start_s;
    way.resize_s = 0;
    way.reading = {};
    for (const auto& worker : workers_) {
      way.resize_s += worker.resize_s;
      add(way.reading, worker.reading);
    }
  }
}

}  // namespace

DecodeReport bench_decode(const DecodeBenchOptions& options) {
  Bench bench(options);
  bench.explore();
  if (options.compare) bench.compare();
  Progress progress("decode", options.repeats, "passes");
  for (int64_t run = 0; run < options.repeats; ++run) {
    progress.update(run);
    bench.time_once();
  }
  return bench.take_report();
}

}  // namespace glint::app
