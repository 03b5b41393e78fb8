#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace glint {

// Which frames of a clip the model sees (methods 8.2, 8.3; golden frame_sampling). N is SamplingRequest::num_frames.
//   kUniform3Fps  the frames on screen at 0, 1/3, 2/3, ... s; of more than N the N spread evenly
//   kClip4Clip    `fps` frames at the start of each second, seconds of int(average_fps) frames as that loader counts
//   them kGlscl        every round(average_fps / fps)-th frame; of more than N the N spread evenly kXpool        the
//   middle frames of N equal pieces; a clip of fewer frames repeats its last
enum class SamplingPolicy { kUniform3Fps, kClip4Clip, kGlscl, kXpool };

// "uniform_3fps", "clip4clip", "glscl", "xpool". Throws Error for another name.
SamplingPolicy sampling_policy(const std::string& name);

// kClip4Clip: which of more than N candidates stay ("slice_framepos" 0, 1, 2 of its loader; its scripts use 2).
enum class Slice { kFirst, kLast, kSpread };

// Window times count from the first frame. Negative ones become 0, reversed ones are swapped, equal ones become one
// second, as in the reference loaders; clip4clip and glscl also cut them to whole seconds, as their loaders do.
struct SamplingRequest {
  std::int64_t num_frames = 12;                  // at most so many come back; > 0
  double fps = 1.0;                              // clip4clip, glscl: candidates a second; clip4clip takes whole numbers
  std::optional<double> start_s = std::nullopt;  // window; none: from the start
  std::optional<double> end_s = std::nullopt;    //         none: to the end
  double max_s = INFINITY;                       // the window ends so long after its start at the latest; > 0
  Slice slice = Slice::kSpread;
};

struct SampledVideo {
  const std::vector<double>* frame_times;  // seconds, ascending
  double average_fps;                      // as the container says; 0: unknown
  double duration_s;                       // from the first frame's time to the end of the last
};

// -> numbers of frames, ascending; may repeat for uniform_3fps and xpool; empty where the window holds none. Throws
// Error where the reference raises (an average_fps that the policy cannot divide), naming the value.
std::vector<std::int64_t> sample_frames(SamplingPolicy policy, const SampledVideo& video,
                                        const SamplingRequest& request);

}  // namespace glint
