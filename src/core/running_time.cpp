#include "glint/core/running_time.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "glint/core/error.h"
#include "glint/core/thread_pool.h"

namespace glint {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr nanoseconds kTick = std::chrono::milliseconds(100);
constexpr nanoseconds kStopped = std::chrono::seconds(1);  // between two ticks: the process did not run

// A stop cannot be asked for; a thread that ticks notices that it has missed some.
struct Heartbeat {
  std::mutex mutex;
  Clock::time_point last_tick = Clock::now();
  nanoseconds stopped{0};
  std::atomic<pid_t> process{0};  // whose thread ticks; a child has none of its parent's threads

  // The mutex is held.
  Clock::time_point look(bool is_tick) {
    const auto now = Clock::now();
    const auto gap = now - last_tick;
    if (gap > kStopped) stopped += gap - kTick;
    if (gap > kStopped || is_tick) last_tick = now;
    return now - stopped;
  }
};

Heartbeat& heartbeat() {
  static auto* instance = new Heartbeat;  // never destroyed: its thread runs until the process ends
  return *instance;
}

void tick() {
  auto& beat = heartbeat();
  while (true) {
    {
      const std::lock_guard lock(beat.mutex);
      beat.look(/*is_tick=*/true);
    }
    std::this_thread::sleep_for(kTick);
  }
}

// False where the machine has no thread for it: all time counts then.
bool is_ticking() {
  auto& beat = heartbeat();
  if (beat.process.load() == getpid()) return true;
  const std::lock_guard lock(beat.mutex);
  if (beat.process.load() == getpid()) return true;
  beat.last_tick = Clock::now();
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the threads that know of them (Note [signals])
  try {
    start_thread(tick).detach();
    beat.process = getpid();
  } catch (const NotNow&) {
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return beat.process == getpid();
}

}  // namespace

Clock::time_point running_now() {
  auto& beat = heartbeat();
  const bool ticks = is_ticking();
  const std::lock_guard lock(beat.mutex);
  return ticks ? beat.look(/*is_tick=*/false) : Clock::now() - beat.stopped;
}

}  // namespace glint
