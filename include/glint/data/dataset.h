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
// line (or entry) where the annotation is not what it should be. Videos that are not there: data.on_bad_file = skip
// leaves them out, names them in one log line and in Dataset::missing; fail throws; no video at all throws in any case.
Dataset load_dataset(const DataConfig& config, const std::string& split);

// One file a data set.

// The user's own videos: a JSON array, JSON lines or CSV; src/data/manifest_rows.h has the fields. Rows of one video
// (or one id) are one clip. Where no row names a split every split is all rows; else rows without one train. Videos are
// looked for in data.videos (the manifest's folder where that is empty), then in data.root.
Dataset load_manifest(const DataConfig& config, const std::string& split);

// MSR-VTT. Train: the list of data.protocol, all 20 captions a video. Test: 1k-A (JSFUSION, one caption a video), of
// "full" the 2,990 official ones. Val: the 497 official validation videos, which 9k and 7k train on: with
// data.val_split = val they are left out of train (8,503 and 6,513 videos stay), with an empty one nothing is held out,
// as published. The reference selects its checkpoint on the test set; that is not offered.
Dataset load_msrvtt(const DataConfig& config, const std::string& split);

}  // namespace glint
