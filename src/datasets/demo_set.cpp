#include "glint/datasets/demo_set.h"
#include "glint/core/json.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <thread>

#include "datasets/demo_plan.h"
#include "datasets/demo_renderer.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/file_lock.h"
#include "glint/core/files.h"
#include "glint/core/log.h"
#include "glint/core/progress.h"
#include "glint/core/random.h"
#include "glint/core/stop_signal.h"
#include "glint/core/thread_pool.h"
#include "glint/media/video_writer.h"

namespace glint {
namespace {

namespace fs = std::filesystem;
using demo::ClipPlan;
using nlohmann::ordered_json;

constexpr int kVersion = 2;  // of the set; a change of what is drawn or said raises it

fs::path video_of(const ClipPlan& clip) {
  return fs::path("videos") / (clip.name + clip.file.extension);
}

ordered_json marker_of(const DemoSetOptions& options) {
  ordered_json marker = {
      {"format", "glint demo set"}, {"version", kVersion}, {"seed", options.seed}, {"clips", options.clips}};
  if (const auto& moments = options.moments) {
    marker["stories"] = "moments";
    marker["events"] = {moments->min_events, moments->max_events};
    marker["seconds"] = {moments->min_seconds, moments->max_seconds};
  }
  return marker;
}

fs::path marker_in(const fs::path& folder) {
  return folder / "demo_set.json";
}

// Held while a set is made: two at once would write into one another's videos.
fs::path lock_in(const fs::path& folder) {
  return folder / ".demo_set.lock";
}

// The folder is ours from the first call on; what it holds must have been asked for with the same values.
void check_folder(const DemoSetOptions& options) {
  const auto marker = marker_in(options.folder);
  if (files::exists(marker)) {
    auto found = read_file(marker, 4096);
    while (!found.empty() && found.back() == '\n') found.pop_back();
    if (found == json_text(marker_of(options))) return;
    throw Error(marker.string(), ": the folder holds another demo set, ", found,
                "; name another folder or delete this one");
  }
  if (!is_new_or_empty(options.folder) && !files::exists(lock_in(options.folder))) {
    throw Error(options.folder.string(), ": is not empty and holds no demo set; name another folder");
  }
}

void wait_for_lock(FileLock& lock, const fs::path& folder) {
  if (lock.try_lock()) return;
  log_info("another glint demo is at work in ", folder.string(), "; waiting until it is done");
  while (!lock.try_lock()) {
    if (stop_requested() != 0) throw Stopped(stop_requested());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

// Times of the frames in units of the time base; even, or as uneven as a phone makes them.
std::vector<std::int64_t> frame_times(const ClipPlan& clip) {
  const auto& file = clip.file;
  const double ticks = file.duration_s * file.fps_num / file.fps_den;
  std::vector<std::int64_t> times;
  if (!file.variable_rate) {
    for (std::int64_t i = 0; i < std::llround(ticks); ++i) times.push_back(i);
    return times;
  }
  Random random{clip.look, 1};
  std::int64_t gap = 2;
  for (std::int64_t time = 0; static_cast<double>(time + gap) <= ticks; time += gap) {
    times.push_back(time);
    gap = 2 + static_cast<std::int64_t>(random.below(3));
  }
  return times;
}

VideoWriterOptions writer_options(const demo::FileKind& file) {
  const bool lies = file.rotation == 90 || file.rotation == 270;
  VideoWriterOptions options;
  options.codec = file.codec;
  options.width = lies ? file.height : file.width;
  options.height = lies ? file.width : file.height;
  options.fps_num = file.fps_num;
  options.fps_den = file.fps_den;
  options.variable_rate = file.variable_rate;
  options.rotation = file.rotation;
  options.audio = file.audio;
  return options;
}

// Written under another name first: a file at its place is complete.
void render_clip(const ClipPlan& clip, const fs::path& place, const fs::path& partial) {
  VideoWriter writer(partial.string(), writer_options(clip.file));
  demo::ClipRenderer renderer(clip);
  for (const auto time : frame_times(clip)) {
    const Image& picture = renderer.picture_at(static_cast<double>(time) * clip.file.fps_den / clip.file.fps_num);
    writer.add(clip.file.rotation == 0 ? picture : demo::turned(picture, 360 - clip.file.rotation), time);
  }
  writer.finish();
  files::rename(partial, place);
}

bool is_there(const fs::path& file) {
  return files::exists(file) && files::size(file) > 0;
}

// Renders `clips` on all threads. Throws what the first failed clip threw, or Stopped.
void render_clips(const std::vector<const ClipPlan*>& clips, const DemoSetOptions& options, std::int64_t total) {
  const fs::path unfinished = options.folder / ".unfinished";
  files::make_folders(options.folder / "videos");
  files::make_folders(unfinished);
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  ThreadPool pool(options.threads > 0 ? options.threads : cores);
  std::vector<std::future<void>> results;
  for (const ClipPlan* clip : clips) {
    const fs::path place = options.folder / video_of(*clip);
    results.push_back(pool.submit([=] { render_clip(*clip, place, unfinished / place.filename()); }));
  }
  const auto there = total - std::ssize(clips);
  Progress progress("render the demo set", total, "clips");
  try {
    for (std::size_t i = 0; i < results.size(); ++i) {
      progress.update(there + static_cast<std::int64_t>(i));
      results[i].get();
      if (stop_requested() != 0) throw Stopped(stop_requested());
    }
  } catch (...) {
    pool.cancel_pending();
    throw;
  }
  files::remove_all(unfinished);
}

std::string manifest_of(const std::vector<ClipPlan>& plan) {
  std::string text = "[\n";
  for (const auto& clip : plan) {
    ordered_json row = {{"video", video_of(clip).string()}, {"split", clip.split}, {"captions", clip.captions}};
    if (!clip.tags.empty()) row["tags"] = clip.tags;
    text += json_text(row) + (&clip == &plan.back() ? "\n" : ",\n");
  }
  return text + "]\n";
}

void check_options(const DemoSetOptions& options) {
  if (options.clips < kMinDemoClips || options.clips > kMaxDemoClips) {
    throw Error("a demo set of ", options.clips, " clips: the number must be from ", kMinDemoClips, " to ",
                kMaxDemoClips);
  }
  GLINT_CHECK(options.threads >= 0, options.threads, " threads");
  if (!options.moments) return;
  const auto& moments = *options.moments;
  if (options.clips > kMaxDemoMomentsClips) {
    throw Error("a demo set of ", options.clips,
                " clips of moments: there are not enough different moments for more than ", kMaxDemoMomentsClips);
  }
  if (moments.min_events < kMinDemoEvents || moments.max_events > kMaxDemoEvents ||
      moments.min_events > moments.max_events) {
    throw Error(moments.min_events, " to ", moments.max_events, " events a clip: they must be from ", kMinDemoEvents,
                " to ", kMaxDemoEvents, ", the smaller number first");
  }
  if (!(moments.min_seconds >= kMinDemoSeconds && moments.max_seconds <= kMaxDemoSeconds &&
        moments.min_seconds <= moments.max_seconds)) {
    throw Error("clips of ", moments.min_seconds, " to ", moments.max_seconds, " seconds: they must be from ",
                kMinDemoSeconds, " to ", kMaxDemoSeconds, ", the smaller number first");
  }
}

}  // namespace

DemoSetSummary make_demo_set(const DemoSetOptions& options) {
  check_options(options);
  check_folder(options);  // before anything is touched
  FileLock lock(lock_in(options.folder));
  wait_for_lock(lock, options.folder);
  check_folder(options);  // again: another may have made its set meanwhile
  const auto marker = marker_in(options.folder);
  if (!files::exists(marker)) write_file(marker, json_text(marker_of(options)) + "\n");
  const auto plan = demo::plan_demo_set(options.seed, options.clips, options.moments);
  std::vector<const ClipPlan*> wanting;
  for (const auto& clip : plan) {
    if (!is_there(options.folder / video_of(clip))) wanting.push_back(&clip);
  }
  if (!wanting.empty()) render_clips(wanting, options, options.clips);
  const fs::path manifest = options.folder / "manifest.json";
  const std::string text = manifest_of(plan);
  if (!files::exists(manifest) || read_file(manifest) != text) write_file(manifest, text);

  const auto sizes = demo::split_sizes(options.clips);
  DemoSetSummary summary{sizes.train, sizes.val, sizes.test, std::ssize(wanting), 0};
  for (const auto& clip : plan)
    summary.bytes += static_cast<std::int64_t>(files::size(options.folder / video_of(clip)));
  return summary;
}

}  // namespace glint
