#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace glint {

// One line that tells how far long work is: on a terminal it is rewritten in place several times a second, elsewhere a
// plain line appears about every 30 seconds. Goes to stderr. One thread at a time; at most one is shown at once.
class Progress {
 public:
  // `what` names the work ("encode videos"); `total` is in `unit`s, 0 where it is not known.
  Progress(std::string what, std::int64_t total, std::string unit);
  ~Progress();  // ends the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` units are ready; `note` stands at the end of the line ("loss 1.23, data wait 1 %").
  void update(std::int64_t done, const std::string& note = {});

  // Wipes the line being rewritten, so that a log line can take its place.
  static void clear_line();

 private:
  std::string text(std::int64_t done, const std::string& note) const;

  using Clock = std::chrono::steady_clock;
  std::string what_;
  std::int64_t total_;
  std::string unit_;
  std::int64_t first_ = -1;  // what was done at the first update, so that a resumed run shows its own rate
  bool terminal_;
  Clock::time_point start_;
  Clock::time_point shown_;
};

// "1:02:03", "2:03", "4 s".
std::string duration_text(double seconds);

}  // namespace glint
