#include "glint/core/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/temporary.h"

namespace glint {

namespace fs = std::filesystem;

namespace {

void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (descriptor < 0) throw_errno(folder.string(), errno);
  ::fsync(descriptor);  // some file systems cannot sync folders; the rename is still ordered after the file's own sync
  ::close(descriptor);
}

fs::path parent_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

}  // namespace

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  files::make_folders(parent_of(path_));
  if (files::is_folder(path_)) throw Error(path_.string(), ": is a folder, and a file is to be written there");
  auto temporary = open_temporary_file(path_);
  temporary_ = std::move(temporary.path);
  descriptor_ = temporary.descriptor;
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
  // Renamed while it is locked: nobody takes it for one that is left over.
  const bool is_renamed = ::rename(temporary_.c_str(), path_.c_str()) == 0;
  const int rename_cause = errno;
  const bool is_closed = ::close(std::exchange(descriptor_, -1)) == 0;
  if (!is_renamed || !is_closed) {
    const int cause = is_renamed ? errno : rename_cause;
    ::unlink(temporary_.c_str());
    errno = cause;
    fail("put in place");
  }
  sync_folder(parent_of(path_));
}

void AtomicFile::fail(const char* doing) const {
  throw_errno(concat(path_.string(), ": the file cannot be ", doing), errno);
}

void require_writable(const fs::path& path) {
  const AtomicFile probe(path);
}

void write_file(const fs::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

std::string read_file(const fs::path& path, std::size_t limit_bytes) {
  std::string text;
  files::for_each_block(path, [&](std::string_view block) {
    text += block;
    if (text.size() > limit_bytes)
      throw Error(path.string(), ": is larger than the ", limit_bytes, " bytes allowed here");
  });
  return text;
}

bool is_new_or_empty(const fs::path& folder) {
  return !files::exists(folder) || files::is_empty_folder(folder);
}

void require_new_or_empty(const fs::path& folder) {
  if (is_new_or_empty(folder)) return;
  throw Error(folder.string(), files::is_folder(folder) ? ": is there already and not empty" : ": is there already",
              "; name a new or empty folder");
}

void publish_folder(const fs::path& from, const fs::path& to) {
  if (files::exists(to)) throw Error(to.string(), ": exists already");
  if (::rename(from.c_str(), to.c_str()) != 0) throw_errno(to.string(), errno);
  sync_folder(parent_of(to));
}

}  // namespace glint
