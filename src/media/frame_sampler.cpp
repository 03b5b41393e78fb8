#include "glint/media/frame_sampler.h"

#include <algorithm>
#include <cmath>

#include "glint/core/error.h"

namespace glint {

namespace {

// Timestamps are rounded to ticks (down to a microsecond): a frame that starts less than this after a time is on
// screen.
constexpr double kTickSlackSeconds = 1e-6;

struct Window {
  double start_s;
  double end_s;  // infinite: to the end
};

Window window_of(const SamplingRequest& request, bool whole_seconds) {
  Window window = {request.start_s.value_or(0), request.end_s.value_or(INFINITY)};
  if (std::isnan(window.start_s) || std::isnan(window.end_s)) {
    throw Error("the window from ", window.start_s, " to ", window.end_s, " s is no span of time");
  }
  if (whole_seconds) window = {std::trunc(window.start_s), std::trunc(window.end_s)};
  window = {std::max(window.start_s, 0.0), std::max(window.end_s, 0.0)};
  if (window.start_s > window.end_s) std::swap(window.start_s, window.end_s);
  if (window.start_s == window.end_s) window.end_s = window.start_s + 1;
  window.end_s = std::min(window.end_s, window.start_s + request.max_s);
  return window;
}

// linspace(0, count - 1, wanted) truncated: `wanted` positions of `count`, all of them where there are no more.
std::vector<std::int64_t> spread(std::int64_t count, std::int64_t wanted) {
  std::vector<std::int64_t> positions(static_cast<std::size_t>(std::min(count, wanted)));
  const double step =
      count > wanted && wanted > 1 ? static_cast<double>(count - 1) / static_cast<double>(wanted - 1) : 1;
  for (std::size_t i = 0; i < positions.size(); ++i)
    positions[i] = static_cast<std::int64_t>(static_cast<double>(i) * step);
  if (count > wanted && wanted > 1) positions.back() = count - 1;
  return positions;
}

std::vector<std::int64_t> pick(const std::vector<std::int64_t>& candidates, const SamplingRequest& request) {
  const auto wanted = std::min<std::ptrdiff_t>(request.num_frames, std::ssize(candidates));
  if (request.slice == Slice::kFirst) return {candidates.begin(), candidates.begin() + wanted};
  if (request.slice == Slice::kLast) return {candidates.end() - wanted, candidates.end()};
  auto picked = spread(std::ssize(candidates), request.num_frames);
  for (auto& position : picked) position = candidates[static_cast<std::size_t>(position)];
  return picked;
}

// The frame on screen `time_s` after the first one's time.
std::int64_t frame_on_screen(const std::vector<double>& times, double time_s) {
  const auto after = std::upper_bound(times.begin(), times.end(), times.front() + time_s + kTickSlackSeconds);
  return std::max<std::ptrdiff_t>(after - times.begin() - 1, 0);
}

std::vector<std::int64_t> uniform_3fps(const SampledVideo& video, const SamplingRequest& request) {
  constexpr double kRate = 3;  // grid times a second
  const auto& times = *video.frame_times;
  if (times.empty()) return {};
  const auto window = window_of(request, /*whole_seconds=*/false);
  const double last_s = times.back() - times.front();
  const double span_s = std::min(window.end_s, std::max(last_s + kTickSlackSeconds, video.duration_s)) - window.start_s;
  if (!(span_s > 0)) return {};
  const auto grid = static_cast<std::int64_t>(std::ceil(std::min(span_s - kTickSlackSeconds / 2, 1e15) * kRate));
  auto frames = spread(std::max<std::int64_t>(grid, 1), request.num_frames);
  for (auto& frame : frames) frame = frame_on_screen(times, window.start_s + static_cast<double>(frame) / kRate);
  return frames;
}

std::vector<std::int64_t> clip4clip(const SampledVideo& video, const SamplingRequest& request) {
  const auto count = std::ssize(*video.frame_times);
  const double fps = std::trunc(video.average_fps);  // Note [clip4clip rate]: 29.97 counts as 29, so seconds drift
  if (!(fps >= 1 && fps < 1e9)) {
    throw Error("video.sampling clip4clip needs a frame rate of 1 or more, the file says ", video.average_fps,
                "; video.sampling uniform_3fps reads the frames' times instead");
  }
  if (request.fps != std::trunc(request.fps)) {
    throw Error("video.fps ", request.fps, ": video.sampling clip4clip takes a whole number of frames a second");
  }
  if (request.fps > fps) {
    throw Error("video.fps ", request.fps, " asks more frames a second than the ", fps, " that the file has");
  }
  const auto per_second = static_cast<std::int64_t>(fps);
  const auto wanted = static_cast<std::int64_t>(request.fps);
  const auto interval = per_second / wanted;

  const auto window = window_of(request, /*whole_seconds=*/true);
  const auto last_second = static_cast<double>((count + per_second - 1) / per_second);
  if (window.start_s > last_second) return {};
  std::vector<std::int64_t> candidates;
  const auto end = static_cast<std::int64_t>(std::min(window.end_s, last_second));
  for (auto second = static_cast<std::int64_t>(window.start_s); second <= end; ++second) {
    for (std::int64_t i = 0; i < wanted; ++i) {
      const auto frame = second * per_second + i * interval;
      if (frame < count) candidates.push_back(frame);
    }
  }
  return pick(candidates, request);
}

std::vector<std::int64_t> glscl(const SampledVideo& video, const SamplingRequest& request) {
  const auto count = std::ssize(*video.frame_times);
  const double stride = std::nearbyint(video.average_fps / request.fps);  // half to even, as Python rounds
  if (!(stride >= 1)) {
    throw Error("video.sampling glscl at video.fps ", request.fps, " cannot step through a file of ", video.average_fps,
                " frames a second; a lower video.fps or video.sampling uniform_3fps can");
  }
  const auto window = window_of(request, /*whole_seconds=*/true);
  const double first = window.start_s * video.average_fps;
  if (first >= static_cast<double>(count)) return {};
  const auto start = static_cast<std::int64_t>(first);
  const auto end =
      static_cast<std::int64_t>(std::min(window.end_s * video.average_fps, static_cast<double>(count - 1)));
  if (end < start) return {};
  const auto step = static_cast<std::int64_t>(std::min(stride, static_cast<double>(count)));
  auto frames = spread((end - start) / step + 1, request.num_frames);
  for (auto& frame : frames) frame = start + frame * step;
  return frames;
}

// The published loader knows no window; here it is the window's frames that are divided.
std::vector<std::int64_t> xpool(const SampledVideo& video, const SamplingRequest& request) {
  const auto& times = *video.frame_times;
  if (times.empty()) return {};
  const auto window = window_of(request, /*whole_seconds=*/false);
  const double last_s = times.back() - times.front();
  if (window.start_s > last_s && window.start_s >= video.duration_s) return {};
  const auto first = frame_on_screen(times, window.start_s);
  const auto end =
      std::lower_bound(times.begin(), times.end(), times.front() + window.end_s - kTickSlackSeconds) - times.begin();
  const auto count = std::max<std::int64_t>(end - first, 1);

  const auto pieces = std::min(request.num_frames, count);
  const double step = static_cast<double>(count) / static_cast<double>(pieces);
  const auto border = [&](std::int64_t i) {
    return i == pieces ? count : static_cast<std::int64_t>(static_cast<double>(i) * step);
  };
  std::vector<std::int64_t> frames;
  for (std::int64_t i = 0; i < pieces; ++i) frames.push_back(first + (border(i) + border(i + 1) - 1) / 2);
  frames.resize(static_cast<std::size_t>(request.num_frames), frames.back());
  return frames;
}

}  // namespace

SamplingPolicy sampling_policy(const std::string& name) {
  if (name == "uniform_3fps") return SamplingPolicy::kUniform3Fps;
  if (name == "clip4clip") return SamplingPolicy::kClip4Clip;
  if (name == "glscl") return SamplingPolicy::kGlscl;
  if (name == "xpool") return SamplingPolicy::kXpool;
  throw Error("video.sampling: no policy '", name, "'; there are uniform_3fps, clip4clip, glscl, xpool");
}

std::vector<std::int64_t> sample_frames(SamplingPolicy policy, const SampledVideo& video,
                                        const SamplingRequest& request) {
  GLINT_CHECK(request.num_frames > 0, "num_frames ", request.num_frames);
  GLINT_CHECK(request.max_s > 0, "max_s ", request.max_s);
  if (!(request.fps > 0 && std::isfinite(request.fps))) throw Error("video.fps ", request.fps, " is no frame rate");
  switch (policy) {
    case SamplingPolicy::kUniform3Fps:
      return uniform_3fps(video, request);
    case SamplingPolicy::kClip4Clip:
      return clip4clip(video, request);
    case SamplingPolicy::kGlscl:
      return glscl(video, request);
    case SamplingPolicy::kXpool:
      return xpool(video, request);
  }
  throw Bug("sampling policy ", static_cast<int>(policy));
}

}  // namespace glint
