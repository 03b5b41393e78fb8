#pragma once

#include <filesystem>
#include <string>

#include "glint/core/error.h"

namespace glint {

// Words for people go to stderr (data goes to stdout) and, once log_to_file() was called, to that file with the time.
enum class LogLevel { kInfo, kWarning, kError };
void log_line(LogLevel level, const std::string& text);

// Appends every later line to `path` as well. Throws Error where it cannot be opened.
void log_to_file(const std::filesystem::path& path);
void close_log_file();

// No info lines on stderr any more (--quiet); warnings and errors stay.
void set_log_quiet(bool quiet);

template <class... Parts>
void log_info(const Parts&... parts) {
  log_line(LogLevel::kInfo, concat(parts...));
}
template <class... Parts>
void log_warning(const Parts&... parts) {
  log_line(LogLevel::kWarning, concat(parts...));
}
template <class... Parts>
void log_error(const Parts&... parts) {
  log_line(LogLevel::kError, concat(parts...));
}

}  // namespace glint
