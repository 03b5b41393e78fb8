#include "dist/rank_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "glint/core/error.h"

namespace glint::dist {

namespace {

constexpr std::size_t kLongestLine = 1 << 16;  // bytes, then it is passed on in parts

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (auto& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

[[noreturn]] void cannot_start(const std::string& program, int cause) {
  throw_errno(concat(program, ": no rank can be started"), cause);
}

// All a child needs between fork and exec, where nothing may be allocated.
struct Plan {
  char** words;
  char** environment;
  pid_t parent;
  int in, out, err;  // its first three descriptors; -1: ours
  int kept[2];       // descriptors to keep; -1: none
  int report;        // takes errno where exec fails; closed by it where not
};

[[noreturn]] void become(const Plan& plan) {
  setpgid(0, 0);  // Ctrl-C reaches the launcher alone, and what a rank starts ends with it
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != plan.parent) _exit(1);  // it died before the line above
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (plan.in >= 0) dup2(plan.in, STDIN_FILENO);
  if (plan.out >= 0) dup2(plan.out, STDOUT_FILENO);
  if (plan.err >= 0) dup2(plan.err, STDERR_FILENO);
  for (const int descriptor : plan.kept) {
    if (descriptor >= 0) fcntl(descriptor, F_SETFD, 0);
  }
  execve(plan.words[0], plan.words, plan.environment);
  const int cause = errno;
  [[maybe_unused]] const auto written = write(plan.report, &cause, sizeof cause);
  _exit(127);
}

// Closes what it holds.
struct Descriptors {
  int report[2] = {-1, -1}, said[2] = {-1, -1}, null = -1;
  ~Descriptors() {
    for (const int descriptor : {report[0], report[1], said[0], said[1], null}) {
      if (descriptor >= 0) close(descriptor);
    }
  }
};

void write_all(const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto written = write(STDERR_FILENO, text.data() + done, text.size() - done);
    if (written < 0 && errno != EINTR) return;  // nobody listens any more; the ranks' work is no worse for it
    if (written > 0) done += static_cast<std::size_t>(written);
  }
}

}  // namespace

RankProcess::RankProcess(std::int64_t rank, const RankStart& start) : rank_(rank) {
  auto command = start.command;
  auto environment = start.environment;
  environment.push_back(record_.variable());
  auto words = pointers(command), variables = pointers(environment);
  Descriptors ours;
  ours.null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (ours.null < 0 || pipe2(ours.report, O_CLOEXEC) != 0) cannot_start(command[0], errno);
  if (rank_ > 0 && pipe2(ours.said, O_CLOEXEC) != 0) cannot_start(command[0], errno);

  Plan plan{words.data(),
            variables.data(),
            getpid(),
            ours.null,
            rank_ > 0 ? ours.null : -1,
            ours.said[1],
            {record_.descriptor(), start.handed_down.value_or(-1)},
            ours.report[1]};
  const pid_t pid = fork();
  if (pid == 0) become(plan);
  if (pid < 0) cannot_start(command[0], errno);
  setpgid(pid, pid);  // both sides: whoever comes first
  pid_ = pid;
  close(std::exchange(ours.report[1], -1));
  int cause = 0;
  if (read(ours.report[0], &cause, sizeof cause) == sizeof cause) {
    wait();
    cannot_start(command[0], cause);
  }
  said_ = std::exchange(ours.said[0], -1);
  if (said_ >= 0) fcntl(said_, F_SETFL, O_NONBLOCK);
}

RankProcess::~RankProcess() {
  if (running()) {
    kill_all();
    wait();
  }
  if (said_ >= 0) close(said_);
}

void RankProcess::wait() {
  while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

bool RankProcess::reap() {
  if (!running()) return false;
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT | WNOHANG) != 0 || info.si_pid != pid_)
    return false;
  kill(-pid_, SIGKILL);  // what it started and left behind, while its number cannot be another's
  wait();
  pass_on_what_it_said();
  pass_on_lines(/*all=*/true);
  return true;
}

void RankProcess::send(int signal) {
  if (running()) kill(pid_, signal);
}

void RankProcess::send_to_all(int signal) {
  if (running()) kill(-pid_, signal);
}

void RankProcess::kill_all() {
  if (!running()) return;
  killed_ = true;
  kill(-pid_, SIGKILL);
}

void RankProcess::pass_on_what_it_said() {
  char bytes[1 << 12];
  while (said_ >= 0) {
    const auto got = read(said_, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) {
      close(std::exchange(said_, -1));
      break;
    }
    unfinished_.append(bytes, static_cast<std::size_t>(got));
    pass_on_lines(/*all=*/false);
  }
}

void RankProcess::pass_on_lines(bool all) {
  static const bool terminal = isatty(STDERR_FILENO) == 1;
  const std::string begin =
      (terminal ? "\r\033[K" : "") + concat("[rank ", rank_, "] ");  // rank 0's progress line goes
  std::string lines;
  std::size_t from = 0;
  while (from < unfinished_.size()) {
    auto end = unfinished_.find('\n', from);
    if (end == std::string::npos && !all && unfinished_.size() - from < kLongestLine) break;
    end = std::min(end, unfinished_.size());
    lines += begin + unfinished_.substr(from, end - from) + "\n";
    from = end + 1;
  }
  unfinished_.erase(0, std::min(from, unfinished_.size()));
  write_all(lines);
}

}  // namespace glint::dist
