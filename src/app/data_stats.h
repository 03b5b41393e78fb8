#pragma once

#include <optional>
#include <string>
#include <vector>

#include "glint/datasets/dataset.h"

namespace glint::app {

// What a split holds, missing videos included.
struct SplitStats {
  std::string split;
  std::string error;  // why the split could not be read; the rest is empty then
  std::string protocol;
  int64_t videos = 0;
  int64_t captions = 0;
  int64_t fewest_captions = 0;  // of a video
  int64_t most_captions = 0;
  int64_t shortest_words = 0;  // of a caption; words stand between white space
  int64_t longest_words = 0;
  double mean_words = 0;
  bool has_video_folder = false;
  std::vector<std::string> missing;  // videos without a file, where there is a folder of videos
  std::vector<LeftOut> left_out;
  std::optional<PublishedCounts> published;
  std::vector<std::string> differences;  // a sentence each
};

struct DataStats {
  std::string name;
  std::vector<SplitStats> splits;
};

DataStats data_stats(const DataConfig& config);

std::string stats_json(const DataStats& stats);
std::string stats_table(const DataStats& stats);

}  // namespace glint::app
