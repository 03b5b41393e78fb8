#include "fuzz/failure_report.h"

#include <sys/time.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>

// The sanitizers' own hook; there only where they are linked.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace glint::fuzz {
namespace {

// A signal handler may touch nothing that could be half-changed: plain storage, set between runs.
struct AtHand {
  std::array<char, 512> path{};
  std::array<char, 512> name{};
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  unsigned limit_s = 0;
} g_at_hand;

std::array<char, 1 << 16> g_signal_stack;  // for a handler that runs because the stack is full

void copy(const std::string& text, std::array<char, 512>& to) {
  to.fill('\0');
  std::memcpy(to.data(), text.data(), std::min(text.size(), to.size() - 1));
}

void say(const char* text) {
  if (write(STDERR_FILENO, text, std::strlen(text)) < 0) return;  // nobody is left to tell
}

// Uses only what is allowed in a signal handler.
void keep_input() {
  const int file = open(g_at_hand.path.data(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  for (std::size_t done = 0; file >= 0 && done < g_at_hand.size;) {
    const auto written = write(file, g_at_hand.data + done, g_at_hand.size - done);
    if (written <= 0) break;
    done += static_cast<std::size_t>(written);
  }
  if (file >= 0) close(file);
  say("failed: ");
  say(g_at_hand.name.data());
  say("; the input is kept in ");
  say(g_at_hand.path.data());
  say("\n");
}

void on_signal(int number) {
  if (number == SIGPROF) say("the input takes too long\n");
  keep_input();
  signal(number, SIG_DFL);
  raise(number);
}

}  // namespace

// Of the processor: on a busy machine an input takes no longer.
void limit_time(unsigned seconds) {
  itimerval limit{};
  limit.it_value.tv_sec = static_cast<time_t>(seconds);
  setitimer(ITIMER_PROF, &limit, nullptr);
}

void report_failures(const std::string& path, unsigned limit_s) {
  copy(path, g_at_hand.path);
  g_at_hand.limit_s = limit_s;
  stack_t stack{};
  stack.ss_sp = g_signal_stack.data();
  stack.ss_size = g_signal_stack.size();
  sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_ONSTACK;
  const bool sanitized = __sanitizer_set_death_callback != nullptr;
  if (sanitized) __sanitizer_set_death_callback(keep_input);
  for (const int number : {SIGABRT, SIGPROF}) sigaction(number, &action, nullptr);
  if (sanitized) return;  // their report of the others is the better one
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) sigaction(number, &action, nullptr);
}

void at_hand(const std::string& name, const Input& input) {
  copy(name, g_at_hand.name);
  g_at_hand.data = input.data();
  g_at_hand.size = input.size();
  limit_time(g_at_hand.limit_s);
}

void fail(const std::string& why) {
  say(why.c_str());
  say("\n");
  keep_input();
  std::_Exit(1);
}

}  // namespace glint::fuzz
