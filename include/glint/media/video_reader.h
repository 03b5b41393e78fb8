#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "glint/media/image.h"

namespace glint {

struct ReaderOptions {
  bool apply_rotation = true;  // mirror and turn by the display matrix (methods 8, setting video.apply_rotation)
  bool exact_times = false;    // number the frames by decoding the file once, not from its packets: a damaged file then
                               // lists only what decodes
  double timeout_s = 60;  // of computing in the reader's calls together, opening included; more is BadFile. Waiting ten
                          // times as long for the machine is NotNow
  std::int64_t max_pixels = 8192LL * 8192;   // a larger picture is refused
  std::int64_t max_frames = 2'000'000;       // a file that claims or holds more is refused
  std::int64_t max_kept_bytes = 64LL << 20;  // compressed data kept between the calls; a larger file is read again
  bool isolate = false;  // decode in a process of its own, glint-decode: a crash there is BadFile here
  std::int64_t max_isolated_bytes = 4LL << 30;  // of memory that process may have; needing more is BadFile
};

struct VideoInfo {
  int width = 0;  // as read_frames() gives them: after rotation, as stored otherwise (no pixel aspect)
  int height = 0;
  double average_fps = 0;    // as the reference loaders see it; 0 where unknown
  double duration_s = 0;     // from the first frame's time to the end of the last
  int rotation = 0;          // degrees clockwise to show it: 0, 90, 180, 270
  bool mirrored = false;     // left to right, before it is turned
  double sample_aspect = 1;  // width of a pixel over its height
  std::string codec;
  std::string container;
};

// Where a reader's time went so far, seconds.
struct ReadingTime {
  double open_s = 0;
  double index_s = 0;    // to list the frames
  double decode_s = 0;   // reading, decoding, skipping
  double convert_s = 0;  // to RGB, and turning
};

// Reads one video file with libav. Not thread-safe: one reader a thread. Frames are numbered in the order they are
// shown.
class VideoReader {
 public:
  // Lists the file's frames. Throws, naming the file: Error where it is not there or may not be read, BadFile where it
  // holds no video, NotNow where the machine cannot read or decode it now. Where nothing decodes, this or read_frames()
  // throws (the packets of nearly all files tell their frames without decoding).
  explicit VideoReader(const std::string& path, const ReaderOptions& options = {});
  ~VideoReader();
  VideoReader(VideoReader&&) noexcept;
  VideoReader& operator=(VideoReader&&) noexcept;

  const VideoInfo& info() const;

  // Times of all frames in seconds (best-effort timestamps, edit lists applied; a clock that begins anew in the middle
  // of the file goes on where the old one ended), ascending; from the packets alone where they tell it (nearly all
  // files), else by decoding once. A frame without a time has one frame's length beside its neighbour's.
  const std::vector<double>& frame_times() const;

  // Hands the frames with these numbers (ascending, repeats allowed, in [0, frame_times().size())) to `sink` in order,
  // each as RGB at its stored size (turned upright), bit-equal to FFmpeg's default conversion. Decodes no more than
  // needed (docs/decoding.md). `position` counts from 0 over `frames`. The image is valid during the call. A frame that
  // turns out to be damaged gives the one on screen at its time, and counts as lost. Throws as the constructor does.
  using Sink = std::function<void(std::size_t position, const Image& image)>;
  void read_frames(const std::vector<std::int64_t>& frames, const Sink& sink);

  // The number of the frame on screen at `time_s`: the last one that starts at or before it; clamped to the file.
  std::int64_t frame_at(double time_s) const;

  // How many frames read_frames() had to replace so far.
  std::int64_t lost_frames() const;

  const ReadingTime& time_spent() const;

 private:
  struct Impl;  // keeps FFmpeg's headers out of this one
  std::unique_ptr<Impl> impl_;
};

}  // namespace glint
