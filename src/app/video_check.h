#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "glint/config/video_config.h"
#include "glint/datasets/dataset.h"

namespace glint::app {

enum class VideoState { kWhole, kDamaged, kBad, kUnread };

// A clip whose window holds no frame of its file, which may be sound all the same.
struct BadWindow {
  std::size_t clip = 0;  // of those that were checked
  double length_s = 0;   // of the whole video
  std::string cause;     // names id, window, file and length
};

struct VideoCheck {
  VideoState state = VideoState::kWhole;
  std::string cause = {};  // empty where it is whole
  std::vector<BadWindow> windows = {};
};

// Reads what training would of these clips, which are windows of one file. kBad: the file gives no frames, or with
// `exact` other frames than decoding all of it in order does. kDamaged: frames are lost, and others stand in their
// place. kUnread: it could not be looked at, so nothing is known of it. Throws nothing for what is wrong with the file.
VideoCheck check_video(const std::vector<Clip>& clips, const VideoConfig& video, bool exact);

}  // namespace glint::app
