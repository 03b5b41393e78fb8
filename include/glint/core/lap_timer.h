#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace glint {

// Where the time of repeated work goes: each lap() adds what has passed since the one before to a part's account.
class LapTimer {
 public:
  void restart();                                                                      // empties the accounts
  void lap(const char* part);                                                          // as "towers"
  double seconds() const;                                                              // since restart()
  const std::vector<std::pair<std::string, double>>& parts() const { return parts_; }  // seconds, in order of first use

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
  std::vector<std::pair<std::string, double>> parts_;
};

}  // namespace glint
