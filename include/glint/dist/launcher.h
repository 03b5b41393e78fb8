#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace glint {

struct LaunchOptions {
  std::vector<std::string> command;  // the program (a path) and its words, the same for all ranks
  std::int64_t processes = 1;        // ranks; >= 1
  std::int64_t threads = 0;          // of each; 0: OMP_NUM_THREADS, or an equal share of the cores where it is not set
};

// Starts so many ranks on this machine, told as torchrun tells them, waits for all and returns the exit code for
// main():
//   0              all ended well
//   128 + signal   a signal asked to stop, and all ended after it
//   else           a rank failed: its exit code, 1 where a signal killed it. All others are ended within two seconds,
//                  and one sentence in the log says which rank it was, how it ended and what it did last.
// SIGINT, SIGTERM and SIGUSR1 that reach this process are passed on to all ranks, which save and stop; a second one
// ends them. Ranks never outlive this process, not even its kill -9. Rank 0 has its stdout and stderr, so that its
// progress line looks as ever; the others' stdout is dropped and each line of their stderr begins with "[rank 1] ". To
// be called from the main thread, before catch_stop_signals() and before other threads are started.
int launch_local_ranks(const LaunchOptions& options);

}  // namespace glint
