#pragma once

namespace glint {

// Thrown where work ends because a signal asked for it and its state is saved; main() exits with 128 + signal.
class Stopped {
 public:
  explicit Stopped(int signal) : signal_(signal) {}
  int signal() const { return signal_; }

 private:
  int signal_;
};

// From now on SIGINT, SIGTERM and SIGUSR1 (which SLURM can send before a job's time is over) only set a flag; a second
// one of them ends the process at once. Called once, before other threads are started.
void catch_stop_signals();

// The signal that asked us to stop, 0 where none did. Any thread.
int stop_requested();

}  // namespace glint
