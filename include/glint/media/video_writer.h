#pragma once

#include <memory>
#include <string>

#include "glint/media/image.h"

namespace glint {

struct VideoWriterOptions {
  std::string codec = "libx264";  // libx264, libvpx-vp9, mpeg4, ...
  int width = 0;                  // even
  int height = 0;                 // even
  int fps_num = 25;               // time base of the frames' times
  int fps_den = 1;
  int gop = 50;                   // frames between keyframes at most
  int crf = 26;                   // quality of x264 and VP9
  int rotation = 0;               // degrees clockwise a player must turn it: 0, 90, 180, 270
  bool silent_audio = false;      // adds an audio track (AAC, or MP3/Vorbis/Opus as the container needs), a soft tone
};

// Encodes pictures into a file; the container follows the file name's extension (.mp4 .mov .mkv .webm .avi).
// One FFmpeg thread and fixed settings: the same pictures give the same bytes.
class VideoWriter {
 public:
  VideoWriter(const std::string& path, const VideoWriterOptions& options);  // Error where the codec is not there
  ~VideoWriter();
  // `time`: in units of fps_den/fps_num seconds, ascending; gaps make a variable frame rate.
  void add(const Image& image, std::int64_t time);
  void finish();  // flushes and closes; without it the file is not complete

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace glint
