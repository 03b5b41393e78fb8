#include "glint/core/stop_signal.h"

#include <pthread.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "glint/core/thread_pool.h"

namespace glint {
namespace {

constexpr auto kSameRequest = std::chrono::milliseconds(300);

std::atomic<int> requested{0};

// Note [signals]: a thread of its own waits for the signals and all others block them. A handler would run on the stack
// of whatever thread it meets, and generated matrix kernels (oneDNN's) keep no stack there while they compute: a Ctrl-C
// in the middle of one overwrote the heap.
void wait_for_signals(sigset_t signals) {
  StopRequests requests;
  while (true) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) return;
    int none = 0;
    requested.compare_exchange_strong(none, signal);
    if (requests.ends_at_once(signal, std::chrono::steady_clock::now())) std::_Exit(128 + signal);
  }
}

bool is_ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

std::vector<int> stop_signals() {
  std::vector<int> signals = {SIGINT, SIGTERM, SIGUSR1};
  if (!is_ignored(SIGHUP)) signals.push_back(SIGHUP);
  return signals;
}

bool StopRequests::ends_at_once(int signal, Time now) {
  if (signal != SIGINT && signal != SIGTERM) return false;
  if (!first_) first_ = now;
  return now - *first_ >= kSameRequest;
}

void catch_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : stop_signals()) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // threads started from here on inherit it
  start_thread([signals] { wait_for_signals(signals); }).detach();
}

int stop_requested() {
  return requested.load();
}

}  // namespace glint
