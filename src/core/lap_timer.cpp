#include "glint/core/lap_timer.h"

#include <algorithm>

#include "glint/core/error.h"

namespace glint {

void LapTimer::restart() {
  start_ = last_ = Clock::now();
  parts_.clear();
  if (!clock_) return;
  clock_->intervals();  // of laps that nobody settled
  marked_.clear();
  clock_->mark();
}

void LapTimer::lap(const char* part) {
  if (clock_) {
    marked_.emplace_back(part);
    return clock_->mark();
  }
  const auto now = Clock::now();
  add(part, std::chrono::duration<double>(now - last_).count());
  last_ = now;
}

void LapTimer::settle() {
  if (!clock_) return;
  const auto intervals = clock_->intervals();
  GLINT_CHECK(intervals.size() == marked_.size(), intervals.size(), " intervals of ", marked_.size(), " laps");
  for (std::size_t i = 0; i < intervals.size(); ++i) add(marked_[i], intervals[i]);
  marked_.clear();
}

void LapTimer::add(const std::string& part, double seconds) {
  const auto found = std::find_if(parts_.begin(), parts_.end(), [&](const auto& known) { return known.first == part; });
  if (found == parts_.end()) {
    parts_.emplace_back(part, seconds);
  } else {
    found->second += seconds;
  }
}

double LapTimer::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

}  // namespace glint
