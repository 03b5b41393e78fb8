#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "glint/config/data_config.h"
#include "glint/datasets/dataset.h"
#include "glint/text/name_index.h"

namespace glint {

// How a data set's ids stand in the names of its files.
enum class NameRule {
  kStem,      // the name without its last extension is the id
  kFirstDot,  // DiDeMo: id and name are compared up to their first dot: x.mov, x.mov.mp4 and x.mp4 are x.mov
  kOptionalV  // ActivityNet: the stem with or without the v_ that the ids begin with
};

// The videos of a folder and all folders in it by the names above: .mp4, .webm, .mkv, .avi, .mov, .gif and their like.
// Where several files have one name, the extension that comes first in this list wins, then the file less deep in the
// folder. A name that differs in its Unicode form alone, or in upper and lower case, is taken where just one file has
// it.
class VideoFolder {
 public:
  explicit VideoFolder(std::filesystem::path folder, NameRule rule = NameRule::kStem);  // Error where it is no folder
  std::optional<std::filesystem::path> find(const std::string& id) const;

 private:
  void add(const std::filesystem::path& file, std::size_t depth);

  struct Found {
    std::filesystem::path file;
    std::size_t rank = 0;
    std::size_t depth = 0;
  };
  NameRule rule_;
  std::unordered_map<std::string, Found> files_;                         // by name
  NameIndex names_;                                                      // of files_
  std::unordered_map<std::string, std::vector<std::string>> spellings_;  // lower case -> the names that give it
};

// The folder that the settings name for the videos of a set with official files.
std::filesystem::path video_folder(const DataConfig& config);

// Gives each clip its file. Error where there is no folder of videos.
void find_videos(Dataset& dataset);

// The files that a manifest's rows name, by paths from folders on.
class VideoFinder {
 public:
  // The file that `name` stands for in `folder`: itself, or with one of the extensions above, or one whose path differs
  // from these in its Unicode form alone; none where neither is there. Error where it may be two files.
  std::optional<std::filesystem::path> find(const std::filesystem::path& folder, const std::string& name);

 private:
  std::optional<std::filesystem::path> find_form(const std::filesystem::path& folder, const std::string& name);
  const NameIndex& names_in(const std::filesystem::path& folder);

  std::unordered_map<std::string, NameIndex> names_;  // of the folders looked at so far
};

// Clips whose `file` is empty have none: skip moves them and their captions to `missing` and one log line names them;
// fail is an Error, and so it is where no clip is left. `setting` is the policy's name, for the message.
void drop_missing(Dataset& dataset, const std::string& policy, const std::string& setting);

}  // namespace glint
