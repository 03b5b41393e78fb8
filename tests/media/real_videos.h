#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace glint::test {

// One row of MANIFEST.json of the shared real videos.
struct RealVideo {
  std::filesystem::path path;
  std::string name;
  bool is_good = false;     // at least one frame decodes
  bool is_damaged = false;  // good, with data missing
  double average_fps = 0;   // 0: unknown
  int width = 0, height = 0;
  int rotation = 0;  // as ffprobe prints it: counter-clockwise
};
std::vector<RealVideo> real_videos(const std::filesystem::path& shared);

// Timestamps of the decoded frames, best effort, in seconds; NaN where the frame has none.
std::vector<double> listed_times(const RealVideo& video);

}  // namespace glint::test
