#pragma once

#include <cstddef>
#include <functional>

#include "glint/config/video_config.h"
#include "glint/datasets/dataset.h"
#include "glint/media/image.h"

namespace glint {

// Hands the frames of a clip that video.sampling chooses to `sink` in their order, at the size of the file: at least
// one, at most video.num_frames; -> how many. Throws BadFile naming the file where it gives none at any try, Error or
// NotNow where it cannot be read (Note [failures]), Stopped where a signal asked to stop.
std::size_t decode_clip(const Clip& clip, const VideoConfig& video,
                        const std::function<void(std::size_t position, const Image& picture)>& sink);

}  // namespace glint
