#pragma once

#include <string>
#include <vector>

namespace glint {

// The libav libraries that run now: "libavformat 59.27.100", ...
std::vector<std::string> libav_versions();

// The decoder that videos of a codec ("h264", "hevc", "av1") are read with, "libdav1d"; empty where this libav has
// none.
std::string decoder_of(const std::string& codec);

}  // namespace glint
