// A wall clock that is set five hours back and forth all the time. LD_PRELOAD puts these functions before those of the
// C library; clocks that nobody can set stay as they are.
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

namespace {

constexpr time_t kJump = 5 * 3600;
constexpr unsigned kReadings = 3;  // between jumps

timespec jumping_time(clockid_t clock) {
  static std::atomic<unsigned> readings = 0;
  timespec time = {};
  syscall(SYS_clock_gettime, clock, &time);
  time.tv_sec += readings++ / kReadings % 2 == 0 ? kJump : -kJump;
  return time;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* result) noexcept {
  if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) {
    return static_cast<int>(syscall(SYS_clock_gettime, clock, result));
  }
  *result = jumping_time(clock);
  return 0;
}

int gettimeofday(timeval* result, void* /*timezone*/) noexcept {
  const auto now = jumping_time(CLOCK_REALTIME);
  result->tv_sec = now.tv_sec;
  result->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* result) noexcept {
  const auto now = jumping_time(CLOCK_REALTIME).tv_sec;
  if (result != nullptr) *result = now;
  return now;
}

}  // extern "C"
