#include "media/real_videos.h"

#include <cstdio>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "glint/core/error.h"

namespace glint::test {

namespace {

std::string gunzip(const std::filesystem::path& path) {
  std::string quoted;
  for (const char c : path.string()) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  std::FILE* pipe = popen(("gzip -dc < '" + quoted + "'").c_str(), "r");
  if (pipe == nullptr) throw Error(path, ": gzip cannot be started");
  std::string text;
  char block[65536];
  for (std::size_t n = 0; (n = std::fread(block, 1, sizeof block, pipe)) > 0;) text.append(block, n);
  if (pclose(pipe) != 0) throw Error(path, ": gzip cannot read it");
  return text;
}

}  // namespace

std::vector<RealVideo> real_videos(const std::filesystem::path& shared) {
  const auto folder = shared / "data" / "videos";
  std::vector<RealVideo> videos;
  for (const auto& row : nlohmann::json::parse(std::ifstream(folder / "MANIFEST.json"))) {
    RealVideo video;
    video.name = row.at("file");
    video.path = folder / video.name;
    video.is_good = row.at("expect") == "ok";
    video.is_damaged = row.value("damaged", false);
    if (video.is_good) {
      video.average_fps = row.at("avg_frame_rate");
      video.width = row.at("width");
      video.height = row.at("height");
      video.rotation = row.at("rotation").is_number() ? row.at("rotation").get<int>() : 0;
    }
    videos.push_back(std::move(video));
  }
  return videos;
}

std::vector<double> listed_times(const RealVideo& video) {
  const auto list = nlohmann::json::parse(gunzip(video.path.parent_path() / "pts" / (video.name + ".json.gz")));
  std::vector<double> times;
  for (const auto& time : list.at(list.contains("best_effort_s") ? "best_effort_s" : "pts_s")) {
    times.push_back(time.is_null() ? std::numeric_limits<double>::quiet_NaN() : time.get<double>());
  }
  return times;
}

}  // namespace glint::test
