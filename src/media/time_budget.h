#pragma once

#include <chrono>
#include <string>

#include "glint/core/stop_signal.h"

namespace glint::media {

// The wall time one reader may spend inside its calls, opening included; waiting between calls is free. Runs from its
// making until pause(). A signal that asks to stop ends it at once.
class TimeBudget {
 public:
  TimeBudget(std::string path, double seconds) : path_(std::move(path)), seconds_(seconds) {}
  TimeBudget(const TimeBudget&) = delete;
  TimeBudget& operator=(const TimeBudget&) = delete;

  void resume() { since_ = Clock::now(); }
  void pause() { spent_s_ = now_spent_s(); }

  // Counts the time from its making to its end.
  class Running {
   public:
    explicit Running(TimeBudget& budget) : budget_(budget) { budget_.resume(); }
    ~Running() { budget_.pause(); }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    TimeBudget& budget_;
  };

  bool is_over() const { return stop_requested() != 0 || now_spent_s() > seconds_; }
  void check() const;                  // throws Error where the time is over, Stopped where a signal asked to stop
  static int interrupt(void* budget);  // libav asks this while it waits for a file

 private:
  using Clock = std::chrono::steady_clock;
  double now_spent_s() const { return spent_s_ + std::chrono::duration<double>(Clock::now() - since_).count(); }

  std::string path_;
  double seconds_;
  double spent_s_ = 0;
  Clock::time_point since_ = Clock::now();
};

}  // namespace glint::media
