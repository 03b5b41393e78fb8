#include "glint/core/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"

namespace glint {

namespace fs = std::filesystem;

MappedFile::Descriptor::~Descriptor() {
  if (number >= 0) ::close(number);
}

MappedFile::MappedFile(fs::path path) : path_(std::move(path)) {
  descriptor_.number = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe must not block
  struct stat status {};
  if (descriptor_.number < 0 || fstat(descriptor_.number, &status) != 0) throw_errno(path_.string(), errno);
  if (!S_ISREG(status.st_mode)) throw Error(path_.string(), ": is no regular file");
  size_ = static_cast<std::uint64_t>(status.st_size);
  if (size_ == 0) return;
  void* data = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, descriptor_.number, 0);
  if (data == MAP_FAILED) throw_errno(path_.string(), errno);
  data_ = static_cast<std::byte*>(data);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(data_, size_);
}

void MappedFile::read(std::uint64_t offset, void* to, std::uint64_t size) const {
  GLINT_CHECK(offset <= size_ && size <= size_ - offset, "bytes ", offset, " + ", size, " of ", size_);
  auto* at = static_cast<char*>(to);
  while (size > 0) {
    const ssize_t got = pread(descriptor_.number, at, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno(path_.string(), errno);
    if (got == 0) throw Error(path_.string(), ": is cut short");  // by someone else, since it was opened
    at += got;
    offset += static_cast<std::uint64_t>(got);
    size -= static_cast<std::uint64_t>(got);
  }
}

std::string MappedFile::bytes(std::uint64_t offset, std::uint64_t size) const {
  if (offset > size_ || size > size_ - offset) throw Error(path_.string(), ": is cut short");
  std::string bytes(size, '\0');
  read(offset, bytes.data(), size);
  return bytes;
}

}  // namespace glint
