#include "media/worker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <system_error>

#include "glint/core/error.h"
#include "glint/core/stop_signal.h"

extern char** environ;  // NOLINT: POSIX asks for it

namespace glint::media {

namespace {

constexpr double kStartSeconds = 60;    // a program on a slow disk
constexpr double kLookForStopMs = 100;  // how long a signal that asks to stop may stay unseen
constexpr std::uint64_t kMaxBodyBytes = std::uint64_t{1} << 30;

std::atomic<bool> g_this_program_serves{false};

[[noreturn]] void fail(const char* what) {
  throw Error("no process can be started to decode in (", what, ": ", std::generic_category().message(errno),
              "); video.isolate=false does without");
}

bool send_all(int socket, const void* data, std::size_t size) {
  const char* from = static_cast<const char*>(data);
  while (size > 0) {
    const auto sent = send(socket, from, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    from += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

// False where the deadline has passed. Throws Stopped where a signal asked to stop meanwhile.
bool wait_for_data(int socket, std::optional<double> deadline_s) {
  while (deadline_s) {
    if (stop_requested() != 0) throw Stopped(stop_requested());
    const double left_s = *deadline_s - monotonic_s();
    if (left_s <= 0) return false;
    pollfd entry{socket, POLLIN, 0};
    const double wait_ms = std::min(kLookForStopMs, std::ceil(left_s * 1e3));
    if (poll(&entry, 1, static_cast<int>(wait_ms)) > 0) return true;
  }
  return true;
}

bool receive_all(int socket, void* data, std::size_t size, std::optional<double> deadline_s) {
  char* to = static_cast<char*>(data);
  while (size > 0) {
    if (!wait_for_data(socket, deadline_s)) return false;
    const auto received = recv(socket, to, size, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0) return false;
    to += received;
    size -= static_cast<std::size_t>(received);
  }
  return true;
}

std::string worker_program() {
  if (g_this_program_serves) return "/proc/self/exe";
  const char* named = std::getenv("GLINT_PROGRAM");
  if (named != nullptr && *named != '\0') return named;
  throw Error("decoding in a process of its own needs the glint program: set GLINT_PROGRAM to its path");
}

// Starts the program with `socket` and `memory` as its descriptors 3 and 4 and nothing else of ours.
pid_t start(const std::string& program, int socket, int memory) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, socket, kWorkerSocket);
  posix_spawn_file_actions_adddup2(&actions, memory, kWorkerMemory);
  posix_spawn_file_actions_addclosefrom_np(&actions, kWorkerMemory + 1);
  std::string name = "glint", command = kWorkerCommand;
  char* words[] = {name.data(), command.data(), nullptr};
  pid_t pid = -1;
  errno = posix_spawn(&pid, program.c_str(), &actions, nullptr, words, environ);
  const int code = errno;
  posix_spawn_file_actions_destroy(&actions);
  errno = code;
  if (code != 0) fail(program.c_str());
  return pid;
}

// Above the numbers that the child's descriptors get, so that setting one cannot close the other.
int moved_up(int descriptor, const char* what) {
  const int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, kWorkerMemory + 1);
  const int code = errno;
  close(descriptor);
  errno = code;
  if (moved < 0) fail(what);
  return moved;
}

int make_memory() {
  const int memory = memfd_create("glint frame", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (memory < 0 || fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK) != 0) fail("memfd_create");
  return moved_up(memory, "memfd_create");
}

struct IdleWorkers {
  std::mutex mutex;
  std::vector<std::unique_ptr<WorkerProcess>> workers;
};

IdleWorkers& idle() {
  static IdleWorkers workers;
  return workers;
}

}  // namespace

double monotonic_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool send_message(int socket, const Message& message) {
  const std::uint64_t header[] = {static_cast<std::uint64_t>(message.word), message.body.size()};
  return send_all(socket, header, sizeof header) && send_all(socket, message.body.data(), message.body.size());
}

std::optional<Message> receive_message(int socket, std::optional<double> deadline_s) {
  std::uint64_t header[2] = {};
  if (!receive_all(socket, header, sizeof header, deadline_s)) return std::nullopt;
  if (header[0] > static_cast<std::uint64_t>(Word::kBug) || header[1] > kMaxBodyBytes) return std::nullopt;
  Message message{static_cast<Word>(header[0]), std::string(header[1], '\0')};
  if (!receive_all(socket, message.body.data(), message.body.size(), deadline_s)) return std::nullopt;
  return message;
}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) munmap(data_, size_);
}

std::uint8_t* SharedMemory::map(std::size_t bytes, bool grow) {
  if (bytes <= size_) return data_;
  if (grow && ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0) throw std::bad_alloc();
  struct stat facts {};
  GLINT_CHECK(fstat(descriptor_, &facts) == 0 && facts.st_size >= static_cast<off_t>(bytes), bytes,
              " bytes of shared memory of ", facts.st_size);
  if (data_ != nullptr) munmap(data_, size_);
  data_ = nullptr;
  size_ = 0;
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<std::uint8_t*>(mapped);
  size_ = bytes;
  return data_;
}

WorkerProcess::WorkerProcess() : shared_(make_memory()), memory_(shared_) {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    close(shared_);
    fail("socketpair");
  }
  socket_ = ends[0];
  int theirs = -1;
  try {
    theirs = moved_up(ends[1], "socketpair");
    pid_ = start(worker_program(), theirs, shared_);
    close(theirs);
    const auto ready = receive_message(socket_, monotonic_s() + kStartSeconds);
    if (!ready || ready->word != Word::kReady) {
      throw Error("the process to decode in did not start: ", finish(), "; is GLINT_PROGRAM the glint program?");
    }
  } catch (...) {  // the destructor of an object that was never whole does not run
    if (theirs >= 0 && pid_ < 0) close(theirs);
    finish();
    close(socket_);
    close(shared_);
    throw;
  }
}

WorkerProcess::~WorkerProcess() {
  finish();
  close(socket_);
  close(shared_);
}

std::string WorkerProcess::finish() {
  if (pid_ < 0) return "ended";
  // What died by itself has that status already; the signal changes nothing.
  kill(pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (!WIFSIGNALED(status)) return concat("exit code ", WEXITSTATUS(status));
  return concat("signal ", WTERMSIG(status), " (", strsignal(WTERMSIG(status)), ")");
}

std::unique_ptr<WorkerProcess> take_worker() {
  {
    const std::lock_guard lock(idle().mutex);
    if (!idle().workers.empty()) {
      auto worker = std::move(idle().workers.back());
      idle().workers.pop_back();
      return worker;
    }
  }
  return std::make_unique<WorkerProcess>();
}

void give_back_worker(std::unique_ptr<WorkerProcess> worker) {
  const std::lock_guard lock(idle().mutex);
  idle().workers.push_back(std::move(worker));
}

void serve_by_this_program() {
  g_this_program_serves = true;
}

}  // namespace glint::media
