#include "glint/core/lap_timer.h"

#include <algorithm>

namespace glint {

void LapTimer::restart() {
  start_ = last_ = Clock::now();
  parts_.clear();
}

void LapTimer::lap(const char* part) {
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - last_).count();
  last_ = now;
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
