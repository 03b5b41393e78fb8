#include "media/video_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "glint/core/error.h"

namespace glint::media {

namespace {

void check_is_regular(const std::string& path, const struct stat& facts) {
  if (!S_ISREG(facts.st_mode)) throw Error(path, ": not a regular file");
}

}  // namespace

VideoFile::VideoFile(std::string path) : path_(std::move(path)) {
  struct stat facts {};
  if (stat(path_.c_str(), &facts) != 0) {
    if (errno == ENOENT) throw Error(path_, ": no such file");
    throw_errno(path_ + ": the file cannot be looked at", errno);
  }
  check_is_regular(path_, facts);
  descriptor_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor_ < 0) throw_errno(path_ + ": the file cannot be opened", errno);
  const bool is_known = fstat(descriptor_, &facts) == 0;  // it may have been replaced meanwhile
  const int problem = errno;
  if (is_known && S_ISREG(facts.st_mode)) return;
  close(descriptor_);
  if (!is_known) throw_errno(path_ + ": the file cannot be looked at", problem);
  check_is_regular(path_, facts);
}

VideoFile::VideoFile(VideoFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

VideoFile::~VideoFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::int64_t VideoFile::size() const {
  return std::max<std::int64_t>(0, lseek(descriptor_, 0, SEEK_END));  // glint-decode may not ask by fstat
}

std::int64_t VideoFile::read(std::int64_t offset, std::uint8_t* to, std::int64_t size) const {
  if (offset > std::numeric_limits<std::int64_t>::max() - size) return 0;
  while (true) {
    const auto count = pread(descriptor_, to, static_cast<std::size_t>(size), offset);
    if (count >= 0) return count;
    if (errno != EINTR) return -errno;
  }
}

}  // namespace glint::media
