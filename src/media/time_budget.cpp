#include "media/time_budget.h"

#include <algorithm>
#include <ctime>

#include "glint/core/error.h"

namespace glint::media {

namespace {

double clock_s(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

double monotonic_s() {
  return clock_s(CLOCK_MONOTONIC);
}

double thread_cpu_s() {
  return clock_s(CLOCK_THREAD_CPUTIME_ID);
}

void WaitingTime::add(double seconds) {
  seconds_ += std::clamp(seconds, 0.0, kLongestBreakSeconds);
}

void TimeBudget::resume() {
  wall_s_ = monotonic_s();
  thread_s_ = thread_cpu_s();
}

void TimeBudget::look() {
  const double wall_s = monotonic_s(), thread_s = thread_cpu_s();
  computed_s_ += thread_s - thread_s_;
  waited_.add((wall_s - wall_s_) - (thread_s - thread_s_));
  wall_s_ = wall_s;
  thread_s_ = thread_s;
}

bool TimeBudget::is_over() {
  look();
  return stop_requested() != 0 || is_late() || is_kept_waiting();
}

void TimeBudget::check() {
  if (!is_over()) return;
  if (stop_requested() != 0) throw Stopped(stop_requested());
  if (is_late()) {
    throw BadFile(path_, ": decoding took longer than ", seconds_,
                  " s of computing (video.timeout_s); it is damaged, or far longer than a clip");
  }
  throw NotNow(path_, ": the machine kept its decoding waiting for more than ", kWaitingShare * seconds_,
               " s; its storage does not answer, or more works on it than its processors can do");
}

int TimeBudget::interrupt(void* budget) {
  return static_cast<TimeBudget*>(budget)->is_over() ? 1 : 0;
}

}  // namespace glint::media
