#include "datasets/video_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string_view>
#include <system_error>
#include <tuple>
#include <vector>

#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/first_few.h"
#include "glint/core/log.h"
#include "glint/core/user_path.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 14> kExtensions = {".mp4", ".webm", ".mkv", ".avi", ".mov", ".gif", ".m4v",
                                                          ".mpg", ".mpeg", ".3gp", ".wmv", ".flv", ".ogv", ".ts"};
constexpr std::size_t kMaxFolderDepth = 16;
constexpr std::size_t kActivityNetId = 13;  // v_ and the 11 characters of YouTube's

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// Place of the extension in the list, whatever its case; its size where it is not there.
std::size_t extension_rank(const fs::path& file) {
  const std::string extension = lower_case(file.extension().string());
  return static_cast<std::size_t>(std::find(kExtensions.begin(), kExtensions.end(), extension) - kExtensions.begin());
}

std::string upper_case(std::string_view extension) {
  std::string upper(extension);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
  return upper;
}

std::string without_v(const std::string& name) {
  return name.size() == kActivityNetId && name.starts_with("v_") ? name.substr(2) : name;
}

std::string name_in_id(const std::string& id, NameRule rule) {
  if (rule == NameRule::kFirstDot) return id.substr(0, id.find('.'));
  return rule == NameRule::kOptionalV ? without_v(id) : id;
}

std::string name_in_file(const fs::path& file, NameRule rule) {
  return name_in_id(rule == NameRule::kFirstDot ? file.filename().string() : file.stem().string(), rule);
}

}  // namespace

VideoFolder::VideoFolder(fs::path folder, NameRule rule) : rule_(rule) {
  if (!files::is_folder(folder)) {
    throw Error(folder.string(), ": cannot be listed as the folder of videos: ",
                files::exists(folder) ? "it is no folder" : "No such file or directory");
  }
  struct Open {
    fs::path path;
    std::size_t depth;
  };
  std::vector<Open> open = {{std::move(folder), 0}};
  std::set<fs::path> seen;  // links may lead in circles
  while (!open.empty()) {
    const auto [path, depth] = std::move(open.back());
    open.pop_back();
    if (!seen.insert(files::canonical(path)).second) continue;
    for (const auto& entry : files::list(path)) {
      if (entry.is_folder) {
        if (depth < kMaxFolderDepth) open.push_back({entry.path, depth + 1});
      } else {
        add(entry.path, depth);
      }
    }
  }
  for (const auto& [name, found] : files_) {
    names_.add(name);
    spellings_[lower_case(normal_form(name))].push_back(name);
  }
}

void VideoFolder::add(const fs::path& file, std::size_t depth) {
  std::size_t rank = extension_rank(file);
  if (rank == kExtensions.size()) {
    // Some of DiDeMo's ids end in a dot, and so do their files.
    if (rule_ != NameRule::kFirstDot || file.extension() != ".") return;
  }
  const std::string name = name_in_file(file, rule_);
  auto& found = files_[name];
  const auto order = [](std::size_t a_rank, std::size_t a_depth, const fs::path& a) {
    return std::tuple(a_rank, a_depth, a);
  };
  if (found.file.empty() || order(rank, depth, file) < order(found.rank, found.depth, found.file)) {
    found = {file, rank, depth};
  }
}

std::optional<fs::path> VideoFolder::find(const std::string& id) const {
  const std::string name = name_in_id(id, rule_);
  if (const auto place = names_.find(name)) return files_.at(names_.name(*place)).file;
  const auto spelled = spellings_.find(lower_case(normal_form(name)));
  if (spelled == spellings_.end() || spelled->second.size() != 1) return std::nullopt;
  return files_.at(spelled->second[0]).file;
}

fs::path video_folder(const DataConfig& config) {
  return config.videos.empty() ? fs::path(config.root) : fs::path(config.root) / config.videos;
}

void find_videos(Dataset& dataset) {
  const NameRule rule = dataset.name == "didemo"        ? NameRule::kFirstDot
                        : dataset.name == "activitynet" ? NameRule::kOptionalV
                                                        : NameRule::kStem;
  const VideoFolder videos(dataset.videos, rule);
  for (auto& clip : dataset.clips) clip.file = videos.find(clip.id).value_or(fs::path());
}

std::optional<fs::path> VideoFinder::find(const fs::path& folder, const std::string& name) {
  const fs::path whole = folder / (name.starts_with("~/") ? expand_home(name, "video") : name);
  if (files::is_file(whole)) return whole;
  const bool has_extension = extension_rank(whole) < kExtensions.size();
  for (const auto extension : kExtensions) {
    for (const auto& spelled : {std::string(extension), upper_case(extension)}) {
      if (has_extension) break;
      if (const fs::path file = whole.string() + spelled; files::is_file(file)) return file;
    }
  }
  const bool is_ascii = std::all_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x80; });
  return is_ascii ? std::nullopt : find_form(folder, name);
}

// Part by part of the path; the last may lack its extension.
std::optional<fs::path> VideoFinder::find_form(const fs::path& folder, const std::string& name) {
  fs::path at = folder;
  const fs::path path = name;
  for (auto part = path.begin(); part != path.end(); ++part) {
    const bool is_last = std::next(part) == path.end();
    if (!is_last && files::is_folder(at / *part)) {
      at /= *part;
      continue;
    }
    if (!files::is_folder(at)) return std::nullopt;
    const auto& names = names_in(at);
    auto place = names.find(part->string());
    for (std::size_t i = 0; is_last && !place && i < kExtensions.size(); ++i) {
      place = names.find(concat(part->string(), kExtensions[i]));
      if (!place) place = names.find(concat(part->string(), upper_case(kExtensions[i])));
    }
    if (!place) return std::nullopt;
    at /= names.name(*place);
  }
  return files::is_file(at) ? std::optional(at) : std::nullopt;
}

const NameIndex& VideoFinder::names_in(const fs::path& folder) {
  const auto [found, is_new] = names_.try_emplace(folder.string());
  if (is_new) {
    for (const auto& entry : files::list(folder)) found->second.add(entry.path.filename().string());
  }
  return found->second;
}

void drop_missing(Dataset& dataset, const std::string& policy, const std::string& setting) {
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
  const std::string names = few_names(dataset.missing);
  if (policy == "fail" || clips.empty()) {
    throw Error(dataset.videos.string(), ": ", some, " are not there: ", names,
                "; data.root and data.videos say where they are",
                clips.empty() ? "" : concat(", ", setting, "=skip leaves them out and counts them"));
  }
  log_warning(dataset.videos.string(), ": ", some, " are not there and left out: ", names);
  std::vector<Caption> captions;
  for (auto& caption : dataset.captions) {
    const int64_t clip = new_index[static_cast<std::size_t>(caption.clip)];
    if (clip >= 0) captions.push_back({std::move(caption.text), clip, std::move(caption.tags)});
  }
  dataset.clips = std::move(clips);
  dataset.captions = std::move(captions);
}

}  // namespace glint
