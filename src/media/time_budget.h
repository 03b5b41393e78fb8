#pragma once

#include <string>

#include "glint/core/stop_signal.h"

namespace glint::media {

// How often the allowed computing time may pass in waiting: for storage, and for a processor on a busy machine.
constexpr double kWaitingShare = 10;
// A longer break between two looks at the clock counts as this long: the process was suspended, or a read was slow but
// came through.
constexpr double kLongestBreakSeconds = 0.5;

// Seconds of waiting, told apart from breaks.
class WaitingTime {
 public:
  void add(double seconds);
  double seconds() const { return seconds_; }

 private:
  double seconds_ = 0;
};

// What one reader may spend inside its calls, opening included; between calls nothing counts. The calling thread's
// computing is the file's affair, however long the machine takes for it; waiting is the machine's. A signal that asks
// to stop ends it at once. Runs from its making until pause(); one thread at a time.
class TimeBudget {
 public:
  TimeBudget(std::string path, double seconds) : path_(std::move(path)), seconds_(seconds) { resume(); }
  TimeBudget(const TimeBudget&) = delete;
  TimeBudget& operator=(const TimeBudget&) = delete;

  void resume();
  void pause() { look(); }

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

  bool is_over();
  // Throws BadFile where more was computed than `seconds`, NotNow where the machine kept it waiting for ten times as
  // long, Stopped where a signal asked to stop.
  void check();
  static int interrupt(void* budget);  // libav asks this while it waits

 private:
  void look();
  bool is_late() const { return computed_s_ > seconds_; }
  bool is_kept_waiting() const { return waited_.seconds() > kWaitingShare * seconds_; }

  std::string path_;
  double seconds_;
  double computed_s_ = 0;
  WaitingTime waited_;
  double wall_s_ = 0, thread_s_ = 0;  // the clocks at the last look
};

double monotonic_s();
double thread_cpu_s();  // of the calling thread

}  // namespace glint::media
