// System calls that fail as a storage, a disk or a machine in trouble lets them fail. LD_PRELOAD puts these functions
// before those of the C library. The environment says which:
//   FAULT_ON      read, write (with fsync) or thread; opening for reading or writing counts with it
//   FAULT_ERRNO   with which errno value
//   FAULT_PATH    of files alone whose path holds these words: a folder, a name
//   FAULT_AFTER   so many such calls go well before; 0 without it
//   FAULT_TIMES   so many then fail, and those after them go well again; all without it
//   FAULT_OPENS   well: opening never fails
//   OPENED_LIST   a file that takes the path of each video that is opened, a line each
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>

namespace {

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

bool is_asked(const char* call) {
  const char* on = std::getenv("FAULT_ON");
  return on != nullptr && std::strcmp(on, call) == 0;
}

bool is_meant(const char* path) {
  const char* words = std::getenv("FAULT_PATH");
  return words == nullptr || std::strstr(path, words) != nullptr;
}

long number_of(const char* name, long otherwise) {
  const char* number = std::getenv(name);
  return number == nullptr ? otherwise : std::atol(number);
}

// True where this call is to fail; errno is set.
bool fails_now() {
  static std::atomic<long> calls{0};
  const long number = calls++ - number_of("FAULT_AFTER", 0);
  if (number < 0 || number >= number_of("FAULT_TIMES", std::numeric_limits<long>::max())) return false;
  errno = static_cast<int>(number_of("FAULT_ERRNO", EIO));
  return true;
}

bool fails_on(const char* call, int descriptor) {
  if (!is_asked(call)) return false;
  char link[64], path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const auto size = readlink(link, path, sizeof path - 1);
  if (size <= 0) return false;
  path[size] = '\0';
  return is_meant(path) && fails_now();
}

bool fails_to_open(const char* path, int flags) {
  const char* call = (flags & O_ACCMODE) == O_RDONLY ? "read" : "write";
  return std::getenv("FAULT_OPENS") == nullptr && is_asked(call) && is_meant(path) && fails_now();
}

// The C library's.
int really_open(const char* path, int flags, mode_t mode) {
  static const auto real = next<int (*)(const char*, int, ...)>("open64");
  return real(path, flags, mode);
}

void note_opening(const char* path, int flags) {
  const char* list = std::getenv("OPENED_LIST");
  const bool is_video = (flags & O_ACCMODE) == O_RDONLY && std::strstr(path, "/videos/") != nullptr;
  if (list == nullptr || !is_video) return;
  const int out = really_open(list, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const std::string line = std::string(path) + "\n";
  static_cast<void>(!::write(out, line.data(), line.size()));
  ::close(out);
}

}  // namespace

extern "C" {

ssize_t read(int descriptor, void* to, size_t size) {
  static const auto real = next<ssize_t (*)(int, void*, size_t)>("read");
  return fails_on("read", descriptor) ? -1 : real(descriptor, to, size);
}

ssize_t pread64(int descriptor, void* to, size_t size, off64_t offset) {
  static const auto real = next<ssize_t (*)(int, void*, size_t, off64_t)>("pread64");
  return fails_on("read", descriptor) ? -1 : real(descriptor, to, size, offset);
}

ssize_t pread(int descriptor, void* to, size_t size, off_t offset) {
  return pread64(descriptor, to, size, offset);
}

ssize_t write(int descriptor, const void* from, size_t size) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
  return fails_on("write", descriptor) ? -1 : real(descriptor, from, size);
}

ssize_t writev(int descriptor, const iovec* from, int count) {
  static const auto real = next<ssize_t (*)(int, const iovec*, int)>("writev");
  return fails_on("write", descriptor) ? -1 : real(descriptor, from, count);
}

ssize_t pwrite64(int descriptor, const void* from, size_t size, off64_t offset) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  return fails_on("write", descriptor) ? -1 : real(descriptor, from, size, offset);
}

ssize_t pwrite(int descriptor, const void* from, size_t size, off_t offset) {
  return pwrite64(descriptor, from, size, offset);
}

int fsync(int descriptor) {
  static const auto real = next<int (*)(int)>("fsync");
  return fails_on("write", descriptor) ? -1 : real(descriptor);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  if (fails_to_open(path, flags)) return -1;
  note_opening(path, flags);
  return really_open(path, flags, mode);
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open64(path, flags, mode);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*work)(void*), void* with) noexcept {
  static const auto real = next<int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create");
  if (is_asked("thread") && fails_now()) return EAGAIN;
  return real(thread, attributes, work, with);
}

}  // extern "C"
