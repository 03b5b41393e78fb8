// The one file that sees spdlog: LibTorch's wheel ships fmt headers of another version than spdlog was built with, so
// spdlog must never meet LibTorch's include path (core does not have it).
#include "glint/core/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>

#include "glint/core/progress.h"
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
};

Loggers& loggers() {
  static Loggers instance;
  return instance;
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

}  // namespace

void log_line(LogLevel level, const std::string& message) {
  const auto text = valid_utf8(message);  // names of files hold any bytes; a log is text
  auto& all = loggers();
  const std::lock_guard lock(all.mutex);
  if (!(all.quiet && level == LogLevel::kInfo)) {
    Progress::clear_line();
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
