#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "glint/data/loader.h"

namespace glint {

// A run's bad_files.jsonl: the clips that it leaves out as their files are bad, each once, whichever of its processes
// met them first and however often it was stopped. For one thread; processes may share the folder.
class BadFiles {
 public:
  explicit BadFiles(const std::filesystem::path& run_dir);

  // What stands in the file: the verdicts of this run, which a resumed one must not pass again. A line that a kill or
  // a full disk cut short is none.
  std::vector<BadClip> read() const;

  // Adds those that are not in the file yet. The first of them to do so, among all processes, warns; of many clips with
  // one cause (a file cut into many) once, of many causes of the first few.
  void add(const std::vector<BadClip>& clips);

  const std::filesystem::path& path() const { return path_; }

 private:
  void write(const std::vector<BadClip>& clips);
  void warn(const std::vector<BadClip>& clips);

  std::filesystem::path path_;
  std::set<std::string> added_;   // clips that need no look into the file
  std::set<std::string> causes_;  // that this process has warned of
};

// The lines of such a file, and back.
std::vector<BadClip> parse_bad_files(const std::string& text);
std::string bad_files_text(const std::vector<BadClip>& clips);

}  // namespace glint
