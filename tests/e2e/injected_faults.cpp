// System calls that fail as a storage, a disk or a machine in trouble lets them fail. LD_PRELOAD puts these functions
// before those of the C library. The environment says which:
//   FAULT_ON      read (and open for reading), write (and open for writing, fsync) or thread
//   FAULT_ERRNO   with which errno value
//   FAULT_PATH    of files below this folder alone
//   FAULT_AFTER   so many such calls go well before; 0 without it
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

namespace {

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

bool is_asked(const char* call) {
  const char* on = std::getenv("FAULT_ON");
  return on != nullptr && std::strcmp(on, call) == 0;
}

bool is_below(const char* path) {
  const char* folder = std::getenv("FAULT_PATH");
  return folder == nullptr || std::strncmp(path, folder, std::strlen(folder)) == 0;
}

// True where this call is to fail; errno is set.
bool fails(const char* call) {
  static std::atomic<long> calls{0};
  const char* after = std::getenv("FAULT_AFTER");
  if (calls++ < (after == nullptr ? 0 : std::atol(after))) return false;
  const char* code = std::getenv("FAULT_ERRNO");
  errno = code == nullptr ? EIO : std::atoi(code);
  return call != nullptr;
}

bool fails_on(const char* call, int descriptor) {
  if (!is_asked(call)) return false;
  char link[64], path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const auto size = readlink(link, path, sizeof path - 1);
  if (size <= 0) return false;
  path[size] = '\0';
  return is_below(path) && fails(call);
}

bool fails_to_open(const char* path, int flags) {
  const char* call = (flags & O_ACCMODE) == O_RDONLY ? "read" : "write";
  return is_asked(call) && is_below(path) && fails(call);
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
  static const auto real = next<int (*)(const char*, int, ...)>("open64");
  va_list more;
  va_start(more, flags);
  const auto mode = va_arg(more, mode_t);
  va_end(more);
  return fails_to_open(path, flags) ? -1 : real(path, flags, mode);
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = va_arg(more, mode_t);
  va_end(more);
  return open64(path, flags, mode);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*work)(void*), void* with) noexcept {
  static const auto real = next<int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create");
  if (is_asked("thread") && fails("thread")) return EAGAIN;
  return real(thread, attributes, work, with);
}

}  // extern "C"
