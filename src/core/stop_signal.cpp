#include "glint/core/stop_signal.h"

#include <pthread.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace glint {
namespace {

std::atomic<int> requested{0};

// Note [signals]: a thread of its own waits for the signals and all others block them. A handler would run on the stack
// of whatever thread it meets, and generated matrix kernels (oneDNN's) keep no stack there while they compute: a Ctrl-C
// in the middle of one overwrote the heap.
void wait_for_signals(sigset_t signals) {
  while (true) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) return;
    if (requested.exchange(signal) != 0) std::_Exit(128 + signal);
  }
}

}  // namespace

void catch_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // threads started from here on inherit it
  std::thread(wait_for_signals, signals).detach();
}

int stop_requested() {
  return requested.load();
}

}  // namespace glint
