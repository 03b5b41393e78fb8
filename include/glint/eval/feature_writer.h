#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "glint/data/clip_source.h"
#include "glint/datasets/dataset.h"
#include "glint/dist/communicator.h"
#include "glint/eval/evaluated_set.h"
#include "glint/eval/feature_source.h"

namespace glint {

// What a file of features is made of.
struct FeaturesToWrite {
  EvaluatedSet set;  // its names, and videos that are skipped already; the rows follow from what can be read
  std::vector<RankedItem> texts;
  std::vector<Clip> clips;
  bool is_split = false;                        // texts belong to videos, and leave with those that cannot be read
  std::string on_missing = "skip";              // "fail": a video that cannot be read is an Error
  bool has_words = true;                        // features of single words, L times the rest
  std::string settings;                         // FeatureFile::settings()
  std::map<std::string, std::string> metadata;  // for readers that are not glint
};

// Throws Error where `out` holds something else than features, which are not to be lost.
void require_feature_file_or_nothing(const std::filesystem::path& out);

// Writes FeatureFile's format and returns what its rows are. Parts of it, some items each, lie in OUT.parts until the
// file is whole: stopped, the same call goes on where it was. Several processes share the parts; rank 0 joins them and
// knows the rows.
EvaluatedSet write_features(const std::filesystem::path& out, FeaturesToWrite wanted, const TowerWork& work,
                            ClipSource& source, Communicator& peers);

}  // namespace glint
