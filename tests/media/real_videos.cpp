#include "media/real_videos.h"

#include <cstdio>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "glint/core/atomic_file.h"
#include "glint/core/gzip.h"

namespace glint::test {

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
      double numerator = 0, denominator = 0;
      std::sscanf(row.at("avg_frame_rate").get<std::string>().c_str(), "%lf/%lf", &numerator, &denominator);
      video.average_fps = denominator > 0 ? numerator / denominator : 0;
      video.width = row.at("width");
      video.height = row.at("height");
      video.rotation = row.at("rotation").is_number() ? row.at("rotation").get<int>() : 0;
    }
    videos.push_back(std::move(video));
  }
  return videos;
}

std::vector<double> listed_times(const RealVideo& video) {
  const auto path = video.path.parent_path() / "pts" / (video.name + ".json.gz");
  const auto list = nlohmann::json::parse(gunzip(read_file(path), path));
  std::vector<double> times;
  for (const auto& time : list.at(list.contains("best_effort_s") ? "best_effort_s" : "pts_s")) {
    times.push_back(time.is_null() ? std::numeric_limits<double>::quiet_NaN() : time.get<double>());
  }
  return times;
}

}  // namespace glint::test
