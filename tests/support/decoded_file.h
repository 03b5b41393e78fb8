#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "glint/media/image.h"

namespace glint::test {

// A video file as plain libav calls see it: the judge of what VideoWriter and the demo set wrote.
struct DecodedFile {
  std::string container;    // "mov,mp4,..." as libav calls it
  std::string video_codec;  // "h264"
  std::string audio_codec;  // empty: no audio track
  double audio_s = 0;       // length of the decoded audio
  double audio_level = 0;   // largest absolute sample, of full scale
  int rotation = 0;         // degrees clockwise to show it: 0, 90, 180, 270
  double average_fps = 0;   // what the container says
  bool has_b_frames = false;
  std::vector<double> times_s;  // of the frames, in the order shown
  double end_s = 0;             // of the last frame
  std::vector<Image> frames;    // as stored, not turned
};

DecodedFile decode_file(const std::filesystem::path& path);

}  // namespace glint::test
