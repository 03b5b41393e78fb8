#pragma once

#include <memory>
#include <string>

#include "glint/media/image.h"
#include "glint/media/video_reader.h"

namespace glint {

// The plain way to read a video, which judges VideoReader and is timed against it: FFmpeg's documented loop, one frame
// after the other, nothing listed before and nothing left out. Not thread-safe.
class PlainReader {
 public:
  // Throws Error naming the file as VideoReader does. Of the options, rotation, time and picture size count.
  explicit PlainReader(const std::string& path, const ReaderOptions& options = {});
  ~PlainReader();
  PlainReader(PlainReader&&) noexcept;
  PlainReader& operator=(PlainReader&&) noexcept;

  // Decodes the next frame in the order they are shown; false after the last. A damaged frame is passed over.
  bool next();
  // Of that frame: its time in seconds (best effort); NaN where the file tells none.
  double time_s() const;
  // That frame as VideoReader gives it. Valid until the next call.
  const Image& image();

  // Goes to a keyframe at or before this time where the file's index knows one: next() gives that one.
  void seek(double time_s);

 private:
  struct Impl;  // keeps FFmpeg's headers out of this one
  std::unique_ptr<Impl> impl_;
};

}  // namespace glint
