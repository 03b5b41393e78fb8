#pragma once

#include <filesystem>

#include "glint/config/tower_config.h"
#include "train/weight_families.h"

namespace glint {

// What weights do not tell of their towers (kind, activation, heads), and where it comes from.
struct TowerDescription {
  TowerConfig towers;
  std::filesystem::path file;  // that says so; empty: none, and the towers are taken for the family's usual ones
};

// Read from config.json (Hugging Face, glint export), open_clip_config.json or deploy.json in `folder`, where one is;
// else what the family's own models have. Throws Error naming the file and the key that describes what glint's towers
// do not do.
TowerDescription describe_towers(WeightFamily family, const std::filesystem::path& folder);

}  // namespace glint
