#pragma once

#include <chrono>
#include <optional>
#include <vector>

namespace glint {

// Thrown where work ends because a signal asked for it and its state is saved; main() exits with 128 + signal.
class Stopped {
 public:
  explicit Stopped(int signal) : signal_(signal) {}
  int signal() const { return signal_; }

 private:
  int signal_;
};

// Signals that ask to stop: SIGINT, SIGTERM, SIGUSR1 (which SLURM can send before a job's time is over) and SIGHUP (the
// terminal is gone) unless it was ignored when the program started (nohup).
std::vector<int> stop_signals();

// Which signal of a row of them asks to end at once, saved or not: SIGINT or SIGTERM after another one of the two. One
// request often comes as several: a terminal that goes away sends SIGHUP twice, torchrun and srun pass on what their
// ranks have got already, SLURM sends SIGUSR1 long before SIGTERM. So only what comes a moment later is another
// request.
class StopRequests {
 public:
  using Time = std::chrono::steady_clock::time_point;
  bool ends_at_once(int signal, Time now);

 private:
  std::optional<Time> first_;
};

// From now on these signals only set a flag, until one ends the process at once. Called once, before other threads are
// started. NotNow where the machine allows no thread for it.
void catch_stop_signals();

// The signal that asked us to stop, 0 where none did. Any thread.
int stop_requested();

}  // namespace glint
