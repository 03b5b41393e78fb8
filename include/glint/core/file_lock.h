#pragma once

#include <filesystem>

namespace glint {

// A file that one holder at a time, in any process of this machine, can lock. The lock goes with the object, or with
// the process however it ends; the file stays.
class FileLock {
 public:
  // Makes the file and its folders where they are not there; Error where that cannot be done.
  explicit FileLock(std::filesystem::path path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  // False while another holds it. Where the file system knows no locks, a warning says so and it counts as taken.
  bool try_lock();

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace glint
