#include "glint/core/progress.h"

#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <iomanip>
#include <sstream>

#include "glint/core/log.h"

namespace glint {
namespace {

std::atomic<bool> line_open{false};  // a line without its line feed stands on the terminal

constexpr auto kTerminalInterval = std::chrono::milliseconds(200);
constexpr auto kPlainInterval = std::chrono::seconds(30);

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  std::ostringstream out;
  if (whole < 60) {
    out << whole << " s";
  } else if (whole < 3600) {
    out << whole / 60 << ":" << std::setw(2) << std::setfill('0') << whole % 60;
  } else {
    out << whole / 3600 << ":" << std::setw(2) << std::setfill('0') << whole / 60 % 60 << ":" << std::setw(2)
        << whole % 60;
  }
  return out.str();
}

Progress::Progress(std::string what, std::int64_t total, std::string unit)
    : what_(std::move(what)),
      total_(total),
      unit_(std::move(unit)),
      terminal_(isatty(STDERR_FILENO) != 0),
      start_(Clock::now()),
      shown_(terminal_ ? Clock::time_point{} : Clock::now()) {}

Progress::~Progress() {
  clear_line();
}

void Progress::update(std::int64_t done, const std::string& note) {
  if (first_ < 0) first_ = done;
  const auto now = Clock::now();
  if (terminal_) {
    if (now - shown_ < kTerminalInterval) return;
    std::fprintf(stderr, "\r\033[K%s", text(done, note).c_str());
    std::fflush(stderr);
    line_open = true;
  } else {
    if (now - shown_ < kPlainInterval) return;
    log_info(text(done, note));
  }
  shown_ = now;
}

void Progress::clear_line() {
  if (!line_open.exchange(false)) return;
  std::fprintf(stderr, "\r\033[K");
  std::fflush(stderr);
}

std::string Progress::text(std::int64_t done, const std::string& note) const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  const double rate = elapsed > 0 ? static_cast<double>(done - first_) / elapsed : 0;
  std::ostringstream out;
  out << what_ << ": " << done;
  if (total_ > 0) out << "/" << total_;
  out << " " << unit_;
  if (rate > 0) {
    out << ", " << std::setprecision(3) << rate << "/s";
    if (total_ > done) out << ", " << duration_text(static_cast<double>(total_ - done) / rate) << " left";
  }
  if (!note.empty()) out << ", " << note;
  return out.str();
}

}  // namespace glint
