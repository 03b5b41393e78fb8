#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace glint {

// Which frames of a clip the model sees (methods 8.2, 8.3; golden frame_sampling).
enum class SamplingPolicy { kUniform3Fps, kClip4Clip, kGlscl, kXpool };

// "uniform_3fps", "clip4clip", "glscl", "xpool". Throws Error for another name.
SamplingPolicy sampling_policy(const std::string& name);

struct SamplingRequest {
  std::int64_t num_frames = 12;      // at most so many come back
  double fps = 1.0;                  // clip4clip, glscl: candidates a second
  std::optional<double> start_s;     // window; none: the whole file
  std::optional<double> end_s;
};

struct SampledVideo {
  const std::vector<double>* frame_times;  // seconds, ascending
  double average_fps;                      // as the container says; 0: unknown
  double duration_s;
};

// -> numbers of frames, ascending; may repeat for xpool; empty where the window holds none. Throws Error where the
// reference raises (fps below what the policy can divide), naming the value.
std::vector<std::int64_t> sample_frames(SamplingPolicy policy, const SampledVideo& video, const SamplingRequest& request);

}  // namespace glint
