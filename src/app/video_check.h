#pragma once

#include <string>
#include <vector>

#include "glint/config/video_config.h"
#include "glint/data/dataset.h"

namespace glint::app {

enum class VideoState { kWhole, kDamaged, kBad };

struct VideoCheck {
  VideoState state = VideoState::kWhole;
  std::string cause;  // empty where it is whole
};

// Reads what training would of these clips, which are windows of one file. kBad: the file, or one of the clips, gives
// no frames, or with `exact` other frames than decoding all of it in order does. kDamaged: frames are lost, and others
// stand in their place. Throws nothing for what is wrong with the file.
VideoCheck check_video(const std::vector<Clip>& clips, const VideoConfig& video, bool exact);

}  // namespace glint::app
