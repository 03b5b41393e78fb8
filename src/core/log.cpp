// The one file that sees spdlog: LibTorch's wheel ships fmt headers of another version than spdlog was built with, so
// spdlog must never meet LibTorch's include path (core does not have it).
#include "glint/core/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <mutex>

#include "core/terminal_line.h"
#include "glint/core/utf8.h"

namespace glint {
namespace {

struct Loggers {
  Loggers()
      : terminal(std::make_shared<spdlog::logger>("glint", std::make_shared<spdlog::sinks::stderr_color_sink_mt>())) {
    terminal->set_pattern("%v");
  }

  std::mutex mutex;
  std::shared_ptr<spdlog::logger> terminal;
  std::shared_ptr<spdlog::logger> file;
  bool quiet = false;
  bool has_line = false;  // a line of progress, without its line feed, stands on the terminal
};

Loggers& loggers() {
  static auto* instance = new Loggers;  // never destroyed: threads speak until the process ends
  return *instance;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

const char* prefix(LogLevel level) {
  switch (level) {
    case LogLevel::kInfo:
      return "";
    case LogLevel::kWarning:
      return "warning: ";
    case LogLevel::kError:
      return "error: ";
  }
  return "";
}

// The lock is held. Where nobody reads stderr any more, what is written there is lost and nothing else happens.
void write_terminal_line(Loggers& all, const std::string& text) {
  if (text.empty() && !all.has_line) return;
  winsize size{};
  const bool has_width = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  const auto shown = has_width ? fitted(text, size.ws_col - 1U) : text;
  std::fputs(("\r\033[K" + shown).c_str(), stderr);
  std::fflush(stderr);
  all.has_line = !text.empty();
}

// A log file that takes no more lines: they still stand on the terminal, and the work goes on.
void warn_of_log_file(const std::filesystem::path& path, const std::string& cause) {
  static bool has_warned = false;  // the lock is held
  if (std::exchange(has_warned, true)) return;
  auto& all = loggers();
  write_terminal_line(all, "");
  all.terminal->warn("{}{}: takes no more lines ({})", prefix(LogLevel::kWarning), path.string(), cause);
}

}  // namespace

std::string fitted(const std::string& text, std::size_t columns) {
  std::size_t taken = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) == 0x80) continue;            // the letter's second byte, or a later one
    const std::size_t width = byte < 0xE1 ? 1 : 2;  // letters of East Asia take two; a few others then get too much
    if (taken + width > columns) return text.substr(0, i);
    taken += width;
  }
  return text;
}

void show_terminal_line(const std::string& text) {
  auto& all = loggers();
  const std::lock_guard lock(all.mutex);
  write_terminal_line(all, text);
}

void log_line(LogLevel level, const std::string& message) {
  const auto text = valid_utf8(message);  // names of files hold any bytes; a log is text
  auto& all = loggers();
  const std::lock_guard lock(all.mutex);
  if (!(all.quiet && level == LogLevel::kInfo)) {
    write_terminal_line(all, "");
    all.terminal->log(spdlog_level(level), "{}{}", prefix(level), text);
  }
  if (all.file) all.file->log(spdlog_level(level), "{}", text);
}

void log_to_file(const std::filesystem::path& path) {
  auto& all = loggers();
  const std::lock_guard lock(all.mutex);
  try {
    all.file = std::make_shared<spdlog::logger>(
        "file", std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string(), /*truncate=*/false));
  } catch (const spdlog::spdlog_ex& error) {
    throw Error(path.string(), ": the log file cannot be opened: ", error.what());
  }
  all.file->set_pattern("%Y-%m-%d %H:%M:%S %l %v");
  all.file->flush_on(spdlog::level::info);
  all.file->set_error_handler([path](const std::string& cause) { warn_of_log_file(path, cause); });
}

void close_log_file() {
  auto& all = loggers();
  const std::lock_guard lock(all.mutex);
  all.file.reset();
}

void set_log_quiet(bool quiet) {
  auto& all = loggers();
  const std::lock_guard lock(all.mutex);
  all.quiet = quiet;
}

}  // namespace glint
