#include "app/video_list.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

#include "glint/core/error.h"
#include "glint/core/files.h"

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
  if (!files::exists(path)) throw Error(path.string(), ": no such file or folder");
  if (!files::is_folder(path)) return {path};
  std::vector<fs::path> videos;
  for (const auto& entry : files::list_below(path)) {
    if (is_video_name(entry.path) && !entry.is_folder) videos.push_back(entry.path);
  }
  if (videos.empty()) throw Error(path.string(), ": no file in it has a video's name (.mp4, .mkv, .avi, ...)");
  return videos;
}

}  // namespace glint::app
