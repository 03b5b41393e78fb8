#pragma once

#include <cstdint>
#include <string>

namespace glint::media {

// A regular file, open for reading. One that was renamed or replaced since stays the one that was opened.
class VideoFile {
 public:
  // Throws Error where nothing is there, where it is no regular file (opening a pipe would block for ever, a device may
  // never end) or may not be read; NotNow where the machine cannot open it now.
  explicit VideoFile(std::string path);
  // Takes over an open descriptor; `path` is what messages call it.
  VideoFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  VideoFile(VideoFile&& other) noexcept;
  VideoFile& operator=(VideoFile&&) = delete;
  ~VideoFile();

  const std::string& path() const { return path_; }
  int descriptor() const { return descriptor_; }
  std::int64_t size() const;

  // Reads up to `size` bytes; -> how many, 0 at the end, or a negative errno value.
  std::int64_t read(std::int64_t offset, std::uint8_t* to, std::int64_t size) const;

 private:
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace glint::media
