#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>

#include "glint/config/config.h"
#include "glint/data/dataset.h"

namespace glint {

// The videos of one folder by their name without extension: .mp4, .webm, .mkv, .avi, .mov, .gif and their like. Where
// one name has several files, the extension that comes first in this list wins.
class VideoFolder {
 public:
  explicit VideoFolder(std::filesystem::path folder);  // lists it; Error where it is no folder
  std::optional<std::filesystem::path> find(const std::string& id) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::unordered_map<std::string, std::filesystem::path> files_;
};

// The file that `name` stands for in `folder`: itself, or with one of the extensions above; none where neither is
// there.
std::optional<std::filesystem::path> find_video(const std::filesystem::path& folder, const std::string& name);

// Clips whose `file` is empty have none: with data.on_bad_file = skip they and their captions move to `missing` and one
// log line names them; with fail it is an Error, and so it is where no clip is left.
void drop_missing(Dataset& dataset, const DataConfig& config, const std::filesystem::path& looked_in);

}  // namespace glint
