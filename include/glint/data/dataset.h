#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "glint/config/config.h"

namespace glint {

struct Clip {
  std::string id;
  std::filesystem::path file;     // the video file
  std::optional<double> start_s;  // window in the file; none: all of it
  std::optional<double> end_s;
  std::vector<std::string> tags;  // a manifest's "tags"; results are given for the clips of each tag as well
};

struct Caption {
  std::string text;
  int64_t clip = 0;  // index into Dataset::clips
};

// One split of a data set: what is searched and what is asked. Captions of one clip stand together, in clip order.
struct Dataset {
  std::string name;      // "msrvtt"
  std::string split;     // "test"
  std::string protocol;  // "1k-A", named in every result
  std::vector<Clip> clips;
  std::vector<Caption> captions;
  std::vector<std::string> missing;  // ids whose file is not there: listed, and left out of clips and captions
};

// Reads one split ("train", "val" or "test" of `config`, or any split name of a manifest). Throws Error naming file and
// line where the annotation is not what it should be; a missing video follows data.on_bad_file.
Dataset load_dataset(const DataConfig& config, const std::string& split);

// One file a data set.
Dataset load_manifest(const DataConfig& config, const std::string& split);
Dataset load_msrvtt(const DataConfig& config, const std::string& split);

}  // namespace glint
