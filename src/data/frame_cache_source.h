#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "data/frame_cache_format.h"
#include "glint/data/dataset.h"

namespace glint::cache {

// The path a source is known by: absolute, without "." and "..".
std::string source_path(const std::filesystem::path& file);

// What stands at `path` now. Reads all of it; Error where it cannot be read.
Source read_source(const std::string& path);

// Whether what stands at a known source's path now is still it. Its content is read only where size and time of
// writing do not tell (or, `thorough`, where the size does not). A changed time of the same content goes into `source`.
enum class SourceState { kSame, kChanged, kGone };
SourceState compare(Source& source, bool thorough = false);

// Clips are equal where these are: of one file and window; of one content and window, whatever the file is called.
std::string name_by_path(const std::string& path, std::optional<double> start_s, std::optional<double> end_s);
std::string name_by_content(const Source& source, std::optional<double> start_s, std::optional<double> end_s);

inline std::string name_by_path(const Clip& clip) {
  return name_by_path(source_path(clip.file), clip.start_s, clip.end_s);
}
inline std::string name_by_path(const Record& record) {
  return name_by_path(record.source.path, record.start_s, record.end_s);
}
inline std::string name_by_content(const Record& record) {
  return name_by_content(record.source, record.start_s, record.end_s);
}

}  // namespace glint::cache
