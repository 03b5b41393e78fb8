#include "media/worker_process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <mutex>

#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/stop_signal.h"
#include "media/spawner.h"
#include "media/time_budget.h"

namespace glint::media {

namespace {

constexpr double kStartSeconds = 60;  // a program on a slow disk

[[noreturn]] void refuse(const char* call) {
  throw_errno(concat("no process can be started to decode in (", call, "; video.isolate=false does without)"), errno);
}

// Above the numbers that the child's descriptors get, so that setting one cannot close the other.
Descriptor moved_up(Descriptor descriptor, const char* call) {
  Descriptor moved(fcntl(descriptor.get(), F_DUPFD_CLOEXEC, kWorkerMemory + 1));
  if (moved.get() < 0) refuse(call);
  return moved;
}

Descriptor make_memory() {
  Descriptor memory(memfd_create("glint frame", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (memory.get() < 0 || fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK) != 0) refuse("memfd_create");
  return moved_up(std::move(memory), "memfd_create");
}

// Beside this program, or beside the glint that GLINT_PROGRAM names, for programs that stand elsewhere.
std::string decode_program() {
  const auto beside_this = files::canonical("/proc/self/exe").parent_path() / kDecodeProgram;
  if (files::exists(beside_this)) return beside_this;
  const char* named = std::getenv("GLINT_PROGRAM");
  if (named != nullptr && *named != '\0') {
    const auto beside_glint = std::filesystem::path(named).parent_path() / kDecodeProgram;
    if (files::exists(beside_glint)) return beside_glint;
  }
  throw Error(beside_this.string(),
              ": is not there, and videos are decoded in it; install it beside glint, or set video.isolate=false");
}

struct IdleWorkers {
  std::mutex mutex;
  pid_t owner = getpid();
  std::vector<std::unique_ptr<WorkerProcess>> workers;

  // In a process that was forked they are those of its parent: not ours to use, nor to end.
  void disown() {
    if (owner == getpid()) return;
    for (auto& worker : workers) static_cast<void>(worker.release());
    workers.clear();
    owner = getpid();
  }
};

IdleWorkers& idle() {
  static IdleWorkers workers;
  return workers;
}

}  // namespace

std::string ProcessEnd::text() const {
  if (is_signal) return concat("signal ", number, " (", strsignal(number), ")");
  return concat("exit code ", number);
}

WorkerProcess::WorkerProcess() : shared_(make_memory()), memory_(shared_.get()) {
  try {
    start();
  } catch (...) {  // the destructor of an object that was never whole does not run
    finish();
    throw;
  }
}

void WorkerProcess::start() {
  const auto program = decode_program();
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) refuse("socketpair");
  socket_ = Descriptor(ends[0]);
  {
    const Descriptor theirs = moved_up(Descriptor(ends[1]), "socketpair");
    pid_ = spawn_worker(program, theirs.get(), shared_.get());
  }
  WaitingTime waited;
  double last_s = monotonic_s();
  const auto ready = receive_message(socket(), [&] {
    if (stop_requested() != 0) throw Stopped(stop_requested());
    const double now_s = monotonic_s();
    waited.add(now_s - last_s);
    last_s = now_s;
    return waited.seconds() < kStartSeconds;
  });
  if (ready && ready->word == Word::kReady) return;
  const bool is_late = waited.seconds() >= kStartSeconds;
  const auto end = finish();
  const bool was_killed = end.is_signal && end.number == SIGKILL;
  if (is_late || was_killed) throw NotNow(program, ": the machine did not start it within ", kStartSeconds, " s");
  throw Error(program, ": does not start (", end.text(), "); is it of another build? video.isolate=false does without");
}

bool WorkerProcess::is_alive() const {
  siginfo_t end{};
  return pid_ >= 0 && waitid(P_PID, static_cast<id_t>(pid_), &end, WEXITED | WNOHANG | WNOWAIT) == 0 && end.si_pid == 0;
}

double WorkerProcess::computed_s() const {
  clockid_t clock{};
  timespec time{};
  if (pid_ < 0 || clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void WorkerProcess::limit([[maybe_unused]] std::int64_t bytes, double seconds) const {
  // Soft limits: they are set anew for the next file, and the child cannot raise them (confinement.h).
  const auto set = [&](auto resource, rlim_t value) {
    rlimit both{};
    if (prlimit(pid_, resource, nullptr, &both) != 0) return;
    both.rlim_cur = std::min(both.rlim_max, value);
    prlimit(pid_, resource, &both, nullptr);
  };
#ifndef __SANITIZE_ADDRESS__  // whose own memory would count
  set(RLIMIT_DATA, static_cast<rlim_t>(bytes));
#endif
  set(RLIMIT_CPU, static_cast<rlim_t>(std::ceil(std::min(computed_s() + seconds, 1e9))));
}

ProcessEnd WorkerProcess::finish() {
  if (pid_ < 0) return {};
  kill(pid_, SIGKILL);  // changes nothing where it died by itself
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (WIFSIGNALED(status)) return {true, WTERMSIG(status)};
  return {false, WEXITSTATUS(status)};
}

std::unique_ptr<WorkerProcess> take_worker() {
  {
    const std::lock_guard lock(idle().mutex);
    idle().disown();
    while (!idle().workers.empty()) {
      auto worker = std::move(idle().workers.back());
      idle().workers.pop_back();
      if (worker->is_alive()) return worker;
    }
  }
  return std::make_unique<WorkerProcess>();
}

void give_back_worker(std::unique_ptr<WorkerProcess> worker) {
  const std::lock_guard lock(idle().mutex);
  idle().disown();
  idle().workers.push_back(std::move(worker));
}

}  // namespace glint::media
