#include "data/video_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <system_error>
#include <vector>

#include "glint/core/error.h"
#include "glint/core/log.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 14> kExtensions = {".mp4", ".webm", ".mkv", ".avi", ".mov", ".gif", ".m4v",
                                                          ".mpg", ".mpeg", ".3gp", ".wmv", ".flv", ".ogv", ".ts"};
constexpr std::size_t kNamedInLog = 5;

// Place of the extension in the list, whatever its case; its size where it is not there.
std::size_t extension_rank(const fs::path& file) {
  std::string extension = file.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return static_cast<std::size_t>(std::find(kExtensions.begin(), kExtensions.end(), extension) - kExtensions.begin());
}

std::string upper_case(std::string_view extension) {
  std::string upper(extension);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
  return upper;
}

bool is_file(const fs::path& path) {
  std::error_code problem;  // a name that cannot be looked up is not there
  return fs::is_regular_file(path, problem);
}

}  // namespace

VideoFolder::VideoFolder(fs::path folder) : path_(std::move(folder)) {
  std::error_code problem;
  fs::directory_iterator entries(path_, problem);
  if (problem) throw Error(path_.string(), ": cannot be listed as the folder of videos: ", problem.message());
  for (const auto& entry : entries) {
    const std::size_t rank = extension_rank(entry.path());
    if (rank == kExtensions.size()) continue;
    auto& file = files_[entry.path().stem().string()];
    if (file.empty() || rank < extension_rank(file)) file = entry.path();
  }
}

std::optional<fs::path> VideoFolder::find(const std::string& id) const {
  const auto found = files_.find(id);
  if (found == files_.end()) return std::nullopt;
  return found->second;
}

std::optional<fs::path> find_video(const fs::path& folder, const std::string& name) {
  const fs::path whole = folder / name;
  if (is_file(whole)) return whole;
  if (extension_rank(whole) < kExtensions.size()) return std::nullopt;
  for (const auto extension : kExtensions) {
    for (const auto& spelled : {std::string(extension), upper_case(extension)}) {
      if (const fs::path file = whole.string() + spelled; is_file(file)) return file;
    }
  }
  return std::nullopt;
}

void drop_missing(Dataset& dataset, const DataConfig& config, const fs::path& looked_in) {
  std::vector<int64_t> new_index(dataset.clips.size(), -1);
  std::vector<Clip> clips;
  for (std::size_t i = 0; i < dataset.clips.size(); ++i) {
    Clip& clip = dataset.clips[i];
    if (clip.file.empty()) {
      dataset.missing.push_back(clip.id);
      continue;
    }
    new_index[i] = static_cast<int64_t>(clips.size());
    clips.push_back(std::move(clip));
  }
  if (dataset.missing.empty()) {
    dataset.clips = std::move(clips);
    return;
  }
  const std::string some =
      concat(dataset.missing.size(), " of ", dataset.clips.size(), " videos of split '", dataset.split, "'");
  std::string names;
  for (std::size_t i = 0; i < std::min(kNamedInLog, dataset.missing.size()); ++i)
    names += (i ? ", " : "") + dataset.missing[i];
  if (dataset.missing.size() > kNamedInLog) names += ", ...";
  if (config.on_bad_file == "fail" || clips.empty()) {
    throw Error(looked_in.string(), ": ", some, " are not there: ", names,
                "; data.root and data.videos say where they are");
  }
  log_warning(looked_in.string(), ": ", some, " are not there and left out: ", names);
  std::vector<Caption> captions;
  for (auto& caption : dataset.captions) {
    const int64_t clip = new_index[static_cast<std::size_t>(caption.clip)];
    if (clip >= 0) captions.push_back({std::move(caption.text), clip});
  }
  dataset.clips = std::move(clips);
  dataset.captions = std::move(captions);
}

}  // namespace glint
