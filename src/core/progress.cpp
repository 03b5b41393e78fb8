#include "glint/core/progress.h"

#include <unistd.h>

#include <cmath>
#include <iomanip>
#include <sstream>

#include "core/terminal_line.h"
#include "glint/core/log.h"
#include "glint/core/running_time.h"

namespace glint {
namespace {

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
      start_(running_now()),
      shown_(terminal_ ? Clock::time_point{} : start_) {}

Progress::~Progress() {
  clear_line();
}

void Progress::update(std::int64_t done, const std::string& note) {
  if (first_ < 0) first_ = done;
  const auto now = running_now();
  if (terminal_) {
    if (now - shown_ < kTerminalInterval) return;
    show_terminal_line(text(done, note));
  } else {
    if (now - shown_ < kPlainInterval) return;
    log_info(text(done, note));
  }
  shown_ = now;
}

void Progress::clear_line() {
  show_terminal_line("");
}

std::string Progress::text(std::int64_t done, const std::string& note) const {
  const double elapsed = std::chrono::duration<double>(running_now() - start_).count();
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
