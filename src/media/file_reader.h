#pragma once

#include <memory>
#include <string>
#include <vector>

#include "glint/media/video_reader.h"
#include "media/video_file.h"

namespace glint::media {

// What VideoReader does, here or in a process of its own.
class FileReader {
 public:
  virtual ~FileReader() = default;
  virtual const VideoInfo& info() const = 0;
  virtual const std::vector<double>& times_s() const = 0;
  // As VideoReader::read_frames(), which has checked the numbers.
  virtual void read(const std::vector<std::int64_t>& frames, const VideoReader::Sink& sink) = 0;
  virtual std::int64_t lost_frames() const = 0;
  virtual const ReadingTime& time_spent() const = 0;
};

// Both throw what VideoReader's constructor does.
std::unique_ptr<FileReader> open_here(VideoFile file, const ReaderOptions& options);
std::unique_ptr<FileReader> open_isolated(VideoFile file, const ReaderOptions& options);

}  // namespace glint::media
