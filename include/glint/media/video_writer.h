#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "glint/media/image.h"

namespace glint {

struct VideoWriterOptions {
  std::string codec = "libx264";  // libx264, libvpx-vp9, mpeg4, ...
  int width = 0;                  // even
  int height = 0;                 // even
  int fps_num = 25;               // time base of the frames' times
  int fps_den = 1;
  bool variable_rate = false;  // the times will leave gaps: the file claims no frame rate
  int gop = 50;                // frames between keyframes at most
  int crf = 26;                // quality of x264 and VP9; mpeg4 has a fixed quantiser
  int rotation = 0;            // degrees clockwise a player must turn it: 0, 90, 180, 270 (.mp4 and .mov alone)
  // In place of `rotation` the display matrix itself, nine numbers as the container has them (16.16, the third column
  // 2.30 fixed point); empty: by `rotation`.
  std::vector<std::int32_t> display_matrix = {};
  std::map<std::string, std::string> encoder = {};  // the encoder's own settings, as libav names them: {"bf", "3"}
  bool audio = false;                               // adds a soft tone: AAC, in .webm Opus, in .avi MP2
};

// Encodes pictures into a file; the container follows the file name's extension (.mp4 .mov .mkv .webm .avi, and what
// else this FFmpeg writes: .flv .ts .mpg ...).
// One FFmpeg thread and fixed settings: the same pictures give the same bytes.
class VideoWriter {
 public:
  // Throws Error where the codec is not there, the container does not take it, or the file cannot be written.
  VideoWriter(const std::string& path, const VideoWriterOptions& options);
  ~VideoWriter();
  // `time`: in units of fps_den/fps_num seconds, ascending. The last picture stands as long as the one before it.
  void add(const Image& image, std::int64_t time);
  void finish();  // flushes and closes; without it the file is not complete

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace glint
