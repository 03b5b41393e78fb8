// A storage that fails as NFS does: LD_PRELOAD puts these functions before those of the C library, which then give an
// errno for files whose path holds some words.
//   GLINT_FAIL="CALLS:WORDS:ERRNO:AFTER:TIMES"   CALLS of "open,read,write" fail with ERRNO once AFTER of them were
//   well,
//                                                TIMES times (0: from then on)
//   GLINT_OPENS=FILE                             takes a line for every opening of a video
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>

namespace {

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

struct Plan {
  std::string calls, words;
  int code = 0;
  long after = 0, times = 0;
  std::atomic<long> seen = 0;

  Plan() {
    const char* text = std::getenv("GLINT_FAIL");
    if (text == nullptr) return;
    std::istringstream in(text);
    std::string number;
    std::getline(in, calls, ':');
    std::getline(in, words, ':');
    std::getline(in, number, ':');
    code = std::atoi(number.c_str());
    std::getline(in, number, ':');
    after = std::atol(number.c_str());
    std::getline(in, number, ':');
    times = std::atol(number.c_str());
  }
};

Plan& plan() {
  static Plan plan;
  return plan;
}

bool fails(const char* call, const char* path) {
  auto& p = plan();
  if (p.code == 0 || p.calls.find(call) == std::string::npos || std::strstr(path, p.words.c_str()) == nullptr) {
    return false;
  }
  const long number = p.seen++;
  if (number < p.after || (p.times > 0 && number >= p.after + p.times)) return false;
  errno = p.code;
  return true;
}

bool fails(const char* call, int descriptor) {
  if (plan().code == 0) return false;
  char path[4096];
  const auto link = "/proc/self/fd/" + std::to_string(descriptor);
  const auto size = ::readlink(link.c_str(), path, sizeof path - 1);
  if (size < 0) return false;
  path[size] = 0;
  return fails(call, path);
}

void count(const char* path) {
  static const char* const list = std::getenv("GLINT_OPENS");
  if (list == nullptr || std::strstr(path, "/videos/") == nullptr) return;
  static auto* const real = next<int(const char*, int, ...)>("open");
  const int out = real(list, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const std::string line = std::string(path) + "\n";
  static_cast<void>(!::write(out, line.data(), line.size()));
  ::close(out);
}

int open_file(const char* name, const char* path, int flags, mode_t mode) {
  if (fails("open", path)) return -1;
  if ((flags & O_ACCMODE) == O_RDONLY) count(path);
  return next<int(const char*, int, ...)>(name)(path, flags, mode);
}

mode_t mode_of(int flags, va_list rest) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const auto mode = mode_of(flags, rest);
  va_end(rest);
  return open_file("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const auto mode = mode_of(flags, rest);
  va_end(rest);
  return open_file("open64", path, flags, mode);
}

ssize_t read(int descriptor, void* to, size_t size) {
  if (fails("read", descriptor)) return -1;
  return next<ssize_t(int, void*, size_t)>("read")(descriptor, to, size);
}

ssize_t pread(int descriptor, void* to, size_t size, off_t offset) {
  if (fails("read", descriptor)) return -1;
  return next<ssize_t(int, void*, size_t, off_t)>("pread")(descriptor, to, size, offset);
}

ssize_t pwrite(int descriptor, const void* from, size_t size, off_t offset) {
  if (fails("write", descriptor)) return -1;
  return next<ssize_t(int, const void*, size_t, off_t)>("pwrite")(descriptor, from, size, offset);
}

}  // extern "C"
