#include "glint/core/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "glint/core/error.h"

namespace glint {

namespace fs = std::filesystem;

std::string errno_text(const fs::path& path) {
  return concat(path.string(), ": ", std::strerror(errno));
}

namespace {

void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (descriptor < 0) throw Error(errno_text(folder));
  ::fsync(descriptor);  // some file systems cannot sync folders; the rename is still ordered after the file's own sync
  ::close(descriptor);
}

fs::path parent_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

}  // namespace

AtomicFile::AtomicFile(fs::path path)
    : path_(std::move(path)), temporary_(path_.string() + concat(".tmp", ::getpid())) {
  std::error_code problem;
  fs::create_directories(parent_of(path_), problem);
  if (problem) throw Error(parent_of(path_).string(), ": the folder cannot be made: ", problem.message());
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail("created");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, std::size_t size) {
  const char* next = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::write(descriptor_, next, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("written");
    next += written;
    size -= static_cast<std::size_t>(written);
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail("synced");
  if (::close(std::exchange(descriptor_, -1)) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int cause = errno;
    ::unlink(temporary_.c_str());
    errno = cause;
    fail("put in place");
  }
  sync_folder(parent_of(path_));
}

void AtomicFile::fail(const char* doing) const {
  throw Error(path_.string(), ": the file cannot be ", doing, ": ", std::strerror(errno));
}

void write_file(const fs::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

std::string read_file(const fs::path& path, std::size_t limit_bytes) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(errno_text(path));
  if (fs::is_directory(path)) throw Error(path.string(), ": is a folder, a file is needed");
  std::string text;
  char buffer[1 << 16];
  while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(in.gcount()));
    if (text.size() > limit_bytes)
      throw Error(path.string(), ": is larger than the ", limit_bytes, " bytes allowed here");
  }
  if (in.bad()) throw Error(errno_text(path));
  return text;
}

bool is_new_or_empty(const fs::path& folder) {
  std::error_code problem;
  const auto status = fs::status(folder, problem);
  if (status.type() == fs::file_type::not_found) return true;
  const bool is_empty = fs::is_directory(status) && fs::is_empty(folder, problem);
  if (problem) throw Error(folder.string(), ": cannot be looked into: ", problem.message());
  return is_empty;
}

void require_new_or_empty(const fs::path& folder) {
  if (is_new_or_empty(folder)) return;
  throw Error(folder.string(), fs::is_directory(folder) ? ": is there already and not empty" : ": is there already",
              "; name a new or empty folder");
}

void publish_folder(const fs::path& from, const fs::path& to) {
  if (fs::exists(to)) throw Error(to.string(), ": exists already");
  if (::rename(from.c_str(), to.c_str()) != 0) throw Error(errno_text(to));
  sync_folder(parent_of(to));
}

}  // namespace glint
