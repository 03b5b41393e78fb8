#include "app/video_list.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/text_file.h"
#include "glint/core/user_path.h"
#include "glint/core/utf8.h"
#include "glint/text/name_index.h"
#include "glint/text/visible.h"

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

void require_utf8_name(const fs::path& video) {
  if (!find_bad_utf8(video.string())) return;
  throw Error(
      video.string(),
      ": the name of this video is not UTF-8 (each byte that is not shows as ?), and it would be the video's id; "
      "rename it");
}

// The file itself, or the one in its folder whose name differs in its Unicode form alone.
fs::path in_any_form(const fs::path& file) {
  const auto folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (files::exists(file) || !files::is_folder(folder)) return file;
  NameIndex names;
  for (const auto& entry : files::list(folder)) names.add(entry.path.filename().string());
  const auto place = names.find(file.filename().string());
  return place ? file.parent_path() / names.name(*place) : file;
}

// Calls `take(line, "FILE:LINE")` for each line that is not empty; Error where there is none.
template <class Take>
void for_each_entry(const fs::path& path, const Take& take) {
  std::size_t entries = 0;
  for_each_line(read_text(path), [&](std::string_view line, int64_t number) {
    if (line.empty()) return;
    ++entries;
    const auto where = concat(path.string(), ":", number);
    if (is_blank(line)) throw Error(where, ": is blank: it holds nothing that a reader sees");
    if (line.find('\0') != std::string_view::npos) throw Error(where, ": holds a NUL");
    take(std::string(line), where);
  });
  if (entries == 0) throw Error(path.string(), ": holds no line of text");
}

bool is_list_name(const fs::path& path) {
  return path.extension() == ".txt" || path.extension() == ".lst";
}

}  // namespace

std::vector<fs::path> list_videos(const fs::path& given) {
  const auto path = in_any_form(given);
  if (!files::exists(path)) throw Error(path.string(), ": no such file or folder");
  if (!files::is_folder(path)) return {path};
  std::vector<fs::path> videos;
  for (const auto& entry : files::list_below(path)) {
    if (is_video_name(entry.path) && !entry.is_folder) videos.push_back(entry.path);
  }
  if (videos.empty()) throw Error(path.string(), ": no file in it has a video's name (.mp4, .mkv, .avi, ...)");
  return videos;
}

std::vector<fs::path> videos_to_encode(const fs::path& path) {
  std::vector<fs::path> videos;
  if (is_list_name(path) && !files::is_folder(path)) {
    for_each_entry(path, [&](const std::string& line, const std::string& where) {
      videos.push_back(in_any_form(path.parent_path() / (line.starts_with("~/") ? expand_home(line, where) : line)));
    });
  } else {
    videos = list_videos(path);
  }
  for (const auto& video : videos) require_utf8_name(video);
  return videos;
}

std::vector<std::string> texts_to_encode(const fs::path& path) {
  std::vector<std::string> texts;
  for_each_entry(path, [&](std::string line, const std::string&) { texts.push_back(std::move(line)); });
  return texts;
}

}  // namespace glint::app
