#include "app/video_list.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>
#include <system_error>

#include "glint/core/error.h"

namespace glint::app {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 25> kEndings = {
    ".mp4",  ".m4v", ".mov", ".mkv", ".webm", ".avi", ".divx", ".gif", ".mpg", ".mpeg", ".m2v", ".ts", ".mts",
    ".m2ts", ".vob", ".mxf", ".3gp", ".3g2",  ".flv", ".f4v",  ".wmv", ".asf", ".ogv",  ".ogg", ".qt"};

bool is_video_name(const fs::path& file) {
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

}  // namespace

std::vector<fs::path> list_videos(const fs::path& path) {
  std::error_code problem;
  if (!fs::exists(path, problem)) throw Error(path.string(), ": no such file or folder");
  if (!fs::is_directory(path, problem)) return {path};
  std::vector<fs::path> videos;
  fs::recursive_directory_iterator entries(path, fs::directory_options::skip_permission_denied, problem);
  for (; !problem && entries != fs::recursive_directory_iterator(); entries.increment(problem)) {
    std::error_code broken_link;  // is no file
    if (is_video_name(entries->path()) && !entries->is_directory(broken_link)) videos.push_back(entries->path());
  }
  if (problem) throw Error(path.string(), ": cannot be listed: ", problem.message());
  if (videos.empty()) throw Error(path.string(), ": no file in it has a video's name (.mp4, .mkv, .avi, ...)");
  std::sort(videos.begin(), videos.end());
  return videos;
}

}  // namespace glint::app
