#pragma once

#include <cstdint>
#include <filesystem>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "data/frame_cache_format.h"
#include "glint/datasets/dataset.h"

namespace glint::cache {

// The path a source is known by: absolute, without "." and "..".
std::string source_path(const std::filesystem::path& file);

struct FileFacts {
  std::uint64_t bytes = 0;
  std::int64_t time_ns = 0;  // when it was last written
};

// None where no regular file is there. Throws Error or NotNow where that cannot be told.
std::optional<FileFacts> facts_of(const std::string& path);

enum class SourceState { kSame, kChanged, kGone };

// What files hold. Each is read at most once, whichever threads ask and for however many clips that are cut from it.
class SourceBook {
 public:
  // What stands at `path` now. Reads all of it. Throws Error where it is not there or must not be read, NotNow where
  // the machine cannot do it now.
  Source read(const std::string& path);

  // Whether what stands at a known source's path now is still it. Its content is read only where size and time of
  // writing do not tell (or, `thorough`, where the size does not). A changed time of the same content goes into
  // `source`. Throws as read() does where it cannot be told.
  SourceState compare(Source& source, bool thorough = false);

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_future<Source>> sources_;  // by path; a failed reading leaves none
};

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
