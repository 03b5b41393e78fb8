#pragma once

#include <string>

#include "media/av.h"
#include "media/time_budget.h"

namespace glint::media {

// Opens a regular file, and nothing that it names in turn: a play list reaches neither the network nor other files that
// a demuxer would ask for by another protocol. `budget` ends what takes too long. Throws Error naming the file.
AvPtr<AVFormatContext> open_input(const std::string& path, TimeBudget& budget);

// Decodes the starts of all streams to know them better than their headers tell.
void probe_streams(AVFormatContext& format, const std::string& path, TimeBudget& budget);

struct ChosenStream {
  int number = -1;
  const AVCodec* decoder = nullptr;
};

// libav's choice of the best video stream; the others are left out from now on. Throws Error where there is none or no
// decoder for it. A cover picture is no video.
ChosenStream choose_video_stream(AVFormatContext& format, const std::string& path);

// Degrees clockwise to show it, to the nearest quarter turn.
int clockwise_rotation(const AVStream& stream);

// Throws Error where pictures of this size are larger than the options allow.
void check_picture_size(const AVCodecParameters& parameters, std::int64_t max_pixels, const std::string& path);

}  // namespace glint::media
