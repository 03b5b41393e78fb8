#include "glint/core/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/log.h"

namespace glint {

namespace fs = std::filesystem;

FileLock::FileLock(fs::path path) : path_(std::move(path)) {
  files::make_folders(path_.parent_path());
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw_errno(path_.string(), errno);
}

FileLock::~FileLock() {
  ::close(descriptor_);
}

bool FileLock::try_lock() {
  int failed = 0;
  do {
    failed = ::flock(descriptor_, LOCK_EX | LOCK_NB);
  } while (failed != 0 && errno == EINTR);
  if (failed == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  log_warning(path_.string(), ": ", std::strerror(errno),
              "; it cannot be locked here, so let no other glint work in this folder");
  return true;
}

}  // namespace glint
