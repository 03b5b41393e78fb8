#include "study/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "glint/core/error.h"
#include "glint/core/stop_signal.h"

namespace glint::study {
namespace {

constexpr int kLookEveryMs = 100;  // for a signal

struct Pipe {
  int ends[2] = {-1, -1};
  Pipe() {
    if (pipe2(ends, O_CLOEXEC) != 0) throw_errno("no pipe to another process can be made", errno);
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_end(int which) {
    if (ends[which] >= 0) ::close(ends[which]);
    ends[which] = -1;
  }
};

// In the child, between fork and exec: nothing that allocates.
[[noreturn]] void become(char* const* words, int said, pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // it died meanwhile
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(nothing, STDIN_FILENO);
  dup2(nothing, STDOUT_FILENO);
  dup2(said, STDERR_FILENO);
  execv(words[0], words);
  _exit(127);
}

// Takes complete lines off `text`.
void pass_lines(std::string& text, bool all, const std::function<void(const std::string&)>& take) {
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
    take(text.substr(0, end));
    text.erase(0, end + 1);
  }
  if (all && !text.empty()) take(text);
}

int code_of(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

ProgramEnd run_program(const std::vector<std::string>& command,
                       const std::function<void(const std::string&)>& on_line) {
  std::vector<char*> words;
  for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  Pipe said;
  const pid_t parent = getpid();
  // PR_SET_PDEATHSIG follows the thread that forks, which is the one that waits here.
  const pid_t child = fork();
  if (child < 0) throw_errno("another process cannot be started", errno);
  if (child == 0) become(words.data(), said.ends[1], parent);
  said.close_end(1);

  ProgramEnd end;
  const auto take = [&](const std::string& line) {
    constexpr std::string_view kError = "error: ";
    if (line.starts_with(kError)) end.error = line.substr(kError.size());
    on_line(line);
  };
  std::string unfinished;
  bool is_told = false;
  while (true) {
    if (!is_told && stop_requested() != 0) {
      kill(child, stop_requested());
      is_told = true;
    }
    pollfd entry = {said.ends[0], POLLIN, 0};
    const int ready = poll(&entry, 1, kLookEveryMs);
    if (ready <= 0) continue;
    char buffer[4096];
    const auto got = ::read(said.ends[0], buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;  // it and all it started have closed it
    unfinished.append(buffer, static_cast<std::size_t>(got));
    pass_lines(unfinished, false, take);
  }
  pass_lines(unfinished, true, take);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  end.code = code_of(status);
  return end;
}

}  // namespace glint::study
