#include "glint/dist/launcher.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <thread>

#include "dist/launch_variables.h"
#include "dist/listening_socket.h"
#include "dist/rank_process.h"
#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/core/running_time.h"
#include "glint/core/stop_signal.h"

extern char** environ;  // NOLINT: POSIX asks for it

namespace glint {

using dist::RankProcess;

namespace {

using Clock = std::chrono::steady_clock;

std::chrono::nanoseconds seconds(double count) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(count));
}

// While it lives the signals come as data.
class SignalQueue {
 public:
  SignalQueue() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : stop_signals()) sigaddset(&signals, signal);
    for (const int signal : {SIGCHLD, SIGTSTP, SIGCONT}) sigaddset(&signals, signal);
    pthread_sigmask(SIG_BLOCK, &signals, &before_);
    descriptor_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (descriptor_ >= 0) return;
    const int cause = errno;
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    throw_errno("signals cannot be waited for", cause);
  }
  ~SignalQueue() {
    close(descriptor_);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;

  int descriptor() const { return descriptor_; }
  std::optional<int> next() {
    signalfd_siginfo info{};
    if (read(descriptor_, &info, sizeof info) != sizeof info) return std::nullopt;
    return static_cast<int>(info.ssi_signo);
  }

 private:
  sigset_t before_;
  int descriptor_ = -1;
};

std::int64_t threads_of_each(const LaunchOptions& options) {
  if (options.threads > 0) return options.threads;
  const auto cores = static_cast<std::int64_t>(std::thread::hardware_concurrency());
  return std::max<std::int64_t>(1, cores / options.processes);
}

bool is_replaced(const std::string& entry, const std::vector<std::string>& by) {
  const auto name = entry.substr(0, entry.find('=') + 1);
  return std::any_of(by.begin(), by.end(), [&](const std::string& other) { return other.starts_with(name); });
}

std::vector<std::string> environment_of(std::int64_t rank, const LaunchOptions& options,
                                        const dist::ListeningSocket& socket) {
  std::vector<std::string> result = {
      concat("RANK=", rank),
      concat("WORLD_SIZE=", options.processes),
      concat("LOCAL_RANK=", rank),
      concat("LOCAL_WORLD_SIZE=", options.processes),
      "MASTER_ADDR=127.0.0.1",
      concat("MASTER_PORT=", socket.port()),
      "TORCHELASTIC_USE_AGENT_STORE=",
      concat(dist::kLaunchedVariable, "=1"),
      concat(dist::kListeningSocketVariable, "=", rank == 0 ? std::to_string(socket.descriptor()) : ""),
  };
  if (options.threads > 0 || std::getenv("OMP_NUM_THREADS") == nullptr) {
    result.push_back(concat("OMP_NUM_THREADS=", threads_of_each(options)));
  }
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!is_replaced(*entry, result)) result.emplace_back(*entry);
  }
  return result;
}

// The signal that asked a rank to stop and that it obeyed, saved or not; 0 where it ended in another way.
int obeyed_signal(int status) {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGHUP, SIGPIPE}) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == 128 + signal) return signal;
    if (WIFSIGNALED(status) && WTERMSIG(status) == signal) return signal;
  }
  return 0;
}

std::string how_it_ended(int status) {
  if (!WIFSIGNALED(status)) return concat("ended with exit code ", WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  const char* hint = signal == SIGKILL ? ", as the system does where memory runs out" : "";
  return concat("was killed by signal ", signal, " (", strsignal(signal), hint, ")");
}

class Launch {
 public:
  explicit Launch(const LaunchOptions& options) {
    const dist::ListeningSocket socket;
    for (std::int64_t rank = 0; rank < options.processes; ++rank) {
      dist::RankStart start{options.command, environment_of(rank, options, socket)};
      if (rank == 0) start.handed_down = socket.descriptor();
      ranks_.push_back(std::make_unique<RankProcess>(rank, start));
    }
  }

  int run() {
    while (std::any_of(ranks_.begin(), ranks_.end(), [](const auto& rank) { return rank->running(); })) {
      wait();
      for (auto& rank : ranks_) rank->pass_on_what_it_said();
      while (const auto signal = signals_.next()) take(*signal);
      const bool blamed_before = blamed_ != nullptr;
      for (auto& rank : ranks_) {
        if (rank->reap()) look_at_end(*rank, blamed_before);
      }
      if (end_all_at_ && running_now() >= *end_all_at_ && !saves()) {
        for (auto& rank : ranks_) rank->kill_all();
      }
    }
    return outcome();
  }

 private:
  // Until something happens.
  void wait() {
    std::vector<pollfd> entries = {{signals_.descriptor(), POLLIN, 0}};
    for (const auto& rank : ranks_) {
      if (rank->said_descriptor() >= 0) entries.push_back({rank->said_descriptor(), POLLIN, 0});
    }
    int limit_ms = -1;
    if (end_all_at_) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*end_all_at_ - running_now()).count();
      limit_ms = static_cast<int>(std::clamp<std::int64_t>(left, 10, 1000));
    }
    poll(entries.data(), entries.size(), limit_ms);
  }

  void take(int signal) {
    if (signal == SIGTSTP) return stop_with_ranks();
    if (signal == SIGCONT) return send_to_all(SIGCONT);
    if (signal != SIGCHLD) pass_on(signal);
  }

  // Ctrl-Z reaches the launcher alone.
  void stop_with_ranks() {
    send_to_all(SIGSTOP);
    raise(SIGSTOP);
    send_to_all(SIGCONT);
  }

  void send_to_all(int signal) {
    for (auto& rank : ranks_) rank->send_to_all(signal);
  }

  void pass_on(int signal) {
    send_to_running(signal);
    if (stop_signal_ == 0) stop_signal_ = signal;
    if (!requests_.ends_at_once(signal, Clock::now())) return;  // else they end at once by themselves
    is_impatient_ = true;
    end_all_after(dist::kEndAfterSeconds);
  }

  void end_all_after(double delay_s) {
    const auto end = running_now() + seconds(delay_s);
    end_all_at_ = std::min(end_all_at_.value_or(end), end);
  }

  // Does rank 0 save what has been trained, and has it time for that?
  bool saves() const {
    return !is_impatient_ && ranks_[0]->running() &&
           running_now() < *end_all_at_ + seconds(dist::kEndWhileSavingSeconds) &&
           ranks_[0]->activity().text.starts_with(dist::kSaves);
  }

  // The first rank that fails is the one to blame; of several seen at once, one that a signal killed.
  void look_at_end(const RankProcess& rank, bool blamed_before) {
    const int status = rank.status();
    if (rank.killed() || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) return;
    if (const int signal = obeyed_signal(status)) {
      obeyed_ = signal;
      return;
    }
    const bool is_clearer = !blamed_before && WIFSIGNALED(status);
    if (blamed_ == nullptr || is_clearer) blamed_ = &rank;
    if (!end_all_at_ && stop_signal_ == 0) send_to_running(SIGTERM);
    end_all_after(dist::kFinishStepSeconds);
  }

  void send_to_running(int signal) {
    for (auto& rank : ranks_) rank->send(signal);
  }

  int outcome() const {
    const auto any = [this](auto holds) { return std::any_of(ranks_.begin(), ranks_.end(), holds); };
    if (blamed_ == nullptr) {
      const bool any_killed = any([](const auto& rank) { return rank->killed(); });
      return obeyed_ != 0 ? 128 + obeyed_ : any_killed ? 128 + stop_signal_ : 0;
    }
    if (!any([](const auto& rank) { return rank->activity().verdict; })) say_who_failed();
    return WIFEXITED(blamed_->status()) ? WEXITSTATUS(blamed_->status()) : 1;
  }

  void say_who_failed() const {
    if (isatty(STDERR_FILENO) == 1) std::fputs("\r\033[K", stderr);  // rank 0's progress line
    const auto activity = blamed_->activity().text;
    log_error("rank ", blamed_->rank(), " of ", ranks_.size(), " ", how_it_ended(blamed_->status()),
              activity.empty() ? "" : "; it did last: ", activity, "; the other ranks were ended");
  }

  SignalQueue signals_;  // before the ranks: none ends unseen
  std::vector<std::unique_ptr<RankProcess>> ranks_;
  const RankProcess* blamed_ = nullptr;
  int stop_signal_ = 0, obeyed_ = 0;
  StopRequests requests_;
  bool is_impatient_ = false;
  std::optional<Clock::time_point> end_all_at_;
};

}  // namespace

int launch_local_ranks(const LaunchOptions& options) {
  GLINT_CHECK(options.processes >= 1 && !options.command.empty(), options.processes, " processes");
  return Launch(options).run();
}

}  // namespace glint
