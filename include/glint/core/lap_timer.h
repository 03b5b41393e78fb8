#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace glint {

// A clock of work that is done beside this thread, as a GPU's: what a LapTimer reads in place of the thread's own.
class WorkClock {
 public:
  virtual ~WorkClock() = default;
  virtual void mark() = 0;  // behind all work asked for so far; does not wait for it
  virtual std::vector<double>
  intervals() = 0;  // waits for all marks -> seconds from each to the next; then there is none
};

// Where the time of repeated work goes: each lap() adds what has passed since the one before to a part's account.
class LapTimer {
 public:
  LapTimer() = default;
  explicit LapTimer(std::unique_ptr<WorkClock> clock) : clock_(std::move(clock)) {}  // null: this thread's time

  void restart();              // empties the accounts
  void lap(const char* part);  // as "towers"
  void settle();               // with a clock: waits for the work, and only then the parts are known
  double seconds() const;      // since restart(), of this thread
  const std::vector<std::pair<std::string, double>>& parts() const { return parts_; }  // seconds, in order of first use

 private:
  using Clock = std::chrono::steady_clock;
  void add(const std::string& part, double seconds);

  std::unique_ptr<WorkClock> clock_;
  std::vector<std::string> marked_;  // the parts behind each mark but the first
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
  std::vector<std::pair<std::string, double>> parts_;
};

}  // namespace glint
