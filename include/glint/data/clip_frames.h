#pragma once

#include <cstdint>
#include <vector>

#include "glint/config/video_config.h"
#include "glint/datasets/dataset.h"
#include "glint/media/video_reader.h"

namespace glint {

// How the settings want files read.
ReaderOptions reader_options(const VideoConfig& video);

// The numbers of the frames that video.sampling chooses of a clip, ascending: at least one, at most video.num_frames,
// of the first video.max_seconds of its window.
// Throws BadFile naming the file where none stands in the clip's window.
std::vector<std::int64_t> clip_frames(const VideoReader& reader, const Clip& clip, const VideoConfig& video);

}  // namespace glint
