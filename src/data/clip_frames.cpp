#include "glint/data/clip_frames.h"

#include <cmath>

#include "glint/core/error.h"
#include "glint/media/frame_sampler.h"

namespace glint {

ReaderOptions reader_options(const VideoConfig& video) {
  return {.apply_rotation = video.apply_rotation,
          .timeout_s = video.timeout_s,
          .isolate = video.isolate,
          .max_isolated_bytes = video.isolate_mb << 20};
}

std::vector<std::int64_t> clip_frames(const VideoReader& reader, const Clip& clip, const VideoConfig& video) {
  const auto& info = reader.info();
  const SampledVideo sampled{&reader.frame_times(), info.average_fps, info.duration_s};
  const SamplingRequest request{.num_frames = video.num_frames,
                                .fps = video.fps,
                                .start_s = clip.start_s,
                                .end_s = clip.end_s,
                                .max_s = video.max_seconds > 0 ? video.max_seconds : INFINITY};
  auto frames = sample_frames(sampling_policy(video.sampling), sampled, request);
  GLINT_CHECK(std::ssize(frames) <= video.num_frames, frames.size(), " frames sampled where ", video.num_frames,
              " are asked for");
  if (frames.empty()) throw BadFile(clip.file.string(), ": no frame stands between start_s and end_s");
  return frames;
}

}  // namespace glint
