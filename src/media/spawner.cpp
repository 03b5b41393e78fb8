#include "media/spawner.h"

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <system_error>
#include <thread>

#include "glint/core/error.h"
#include "media/messages.h"

namespace glint::media {

namespace {

// What posix_spawn is told, freed at the end.
class SpawnPlan {
 public:
  SpawnPlan(int socket, int memory) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, socket, kWorkerSocket);
    posix_spawn_file_actions_adddup2(&actions_, memory, kWorkerMemory);
    posix_spawn_file_actions_addclosefrom_np(&actions_, kWorkerMemory + 1);
    sigset_t blocked, all;
    sigemptyset(&blocked);
    for (const int stop : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) sigaddset(&blocked, stop);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &blocked);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  // -> its number; or an errno value, negative.
  pid_t carry_out(const std::string& program) const {
    std::string name = kDecodeProgram, parent = std::to_string(getpid()), libraries;
    if (const char* path = std::getenv("LD_LIBRARY_PATH")) libraries = std::string("LD_LIBRARY_PATH=") + path;
    std::array<char*, 3> words = {name.data(), parent.data(), nullptr};
    std::array<char*, 2> environment = {libraries.empty() ? nullptr : libraries.data(), nullptr};
    pid_t pid = -1;
    const int code = posix_spawn(&pid, program.c_str(), &actions_, &attributes_, words.data(), environment.data());
    return code == 0 ? pid : -code;
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

class Spawner {
 public:
  Spawner() {
    std::thread([this] { work(); }).detach();
  }

  pid_t run(std::function<pid_t()> job) {
    std::packaged_task<pid_t()> task(std::move(job));
    auto result = task.get_future();
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(task));
    }
    is_wanted_.notify_one();
    return result.get();
  }

 private:
  [[noreturn]] void work() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);  // other threads take this program's signals
    while (true) {
      std::unique_lock lock(mutex_);
      is_wanted_.wait(lock, [this] { return !jobs_.empty(); });
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
    }
  }

  std::mutex mutex_;
  std::condition_variable is_wanted_;
  std::deque<std::packaged_task<pid_t()>> jobs_;
};

// Never destroyed, since its thread is never ended; another one in a process that was forked, which has no such thread.
Spawner& spawner() {
  static std::mutex mutex;
  static Spawner* current = nullptr;
  static pid_t owner = -1;
  const std::lock_guard lock(mutex);
  if (owner != getpid()) {
    current = new Spawner();  // NOLINT: see above
    owner = getpid();
  }
  return *current;
}

}  // namespace

pid_t spawn_worker(const std::string& program, int socket, int memory) {
  const SpawnPlan plan(socket, memory);
  pid_t pid = -1;
  try {
    pid = spawner().run([&] { return plan.carry_out(program); });
  } catch (const std::system_error& refused) {
    throw_errno("no thread can be started for decoding", refused.code().value());
  }
  if (pid < 0)
    throw_errno(concat(program, ": cannot be started to decode in (video.isolate=false does without)"), -pid);
  return pid;
}

}  // namespace glint::media
