#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "glint/media/image.h"

namespace glint {

struct ReaderOptions {
  bool apply_rotation = true;            // turn by the display matrix (methods 8, setting video.apply_rotation)
  double timeout_s = 60;                 // opening and every later call together may take this long
  std::int64_t max_pixels = 8192LL * 8192;  // a larger picture is refused
  std::int64_t max_frames = 2'000'000;      // a file that claims or holds more is refused
};

struct VideoInfo {
  int width = 0;                // as read_frames() gives them: after rotation, as stored otherwise (no pixel aspect)
  int height = 0;
  double average_fps = 0;       // as the reference loaders see it; 0 where unknown
  double duration_s = 0;        // from the first frame's time to the end of the last
  int rotation = 0;             // degrees clockwise to show it: 0, 90, 180, 270
  double sample_aspect = 1;     // width of a pixel over its height
  std::string codec;
  std::string container;
};

// Reads one video file with libav. Not thread-safe: one reader a thread. Frames are numbered in the order they are shown.
class VideoReader {
 public:
  // Throws Error naming the file where it cannot be opened, holds no video stream, or no frame decodes.
  explicit VideoReader(const std::string& path, const ReaderOptions& options = {});
  ~VideoReader();
  VideoReader(VideoReader&&) noexcept;
  VideoReader& operator=(VideoReader&&) noexcept;

  const VideoInfo& info() const;

  // Times of all frames in seconds (best-effort timestamps, edit lists applied), ascending; from the packets alone where
  // they tell it (nearly all files), else by decoding once.
  const std::vector<double>& frame_times();

  // Hands the frames with these numbers (ascending, repeats allowed, in [0, frame_times().size())) to `sink` in order, each as RGB
  // at its stored size (turned upright), bit-equal to FFmpeg's default conversion. Decodes no more than the plan needs
  // (design: decoding). `position` counts from 0 over `frames`. The image is valid during the call.
  using Sink = std::function<void(std::size_t position, const Image& image)>;
  void read_frames(const std::vector<std::int64_t>& frames, const Sink& sink);

  // The number of the frame on screen at `time_s`: the last one that starts at or before it; clamped to the file.
  std::int64_t frame_at(double time_s);

 private:
  struct Impl;  // keeps FFmpeg's headers out of this one
  std::unique_ptr<Impl> impl_;
};

}  // namespace glint
