#pragma once

#include <filesystem>

#include "glint/config/tower_config.h"
#include "weights/families.h"

namespace glint {

// What a description says of one tower that its weights can be held against.
struct DescribedTower {
  int64_t width = 0;            // columns; 0: not said
  bool says_width = true;       // false: `width` is the default of the library that wrote the description
  bool says_heads = true;       // false: the number of heads is its default, which belongs to that width
  const char* default_of = "";  // "transformers"
};

// What weights do not tell of their towers (kind, activation, heads), and where it comes from.
struct TowerDescription {
  TowerConfig towers;
  std::filesystem::path file;  // that says so; empty: none, and the towers are taken for the family's usual ones
  DescribedTower image = {}, text = {};
};

// Read from config.json (Hugging Face, glint export), open_clip_config.json or deploy.json in `folder`, where one is;
// else what the family's own models have. Throws Error naming the file and the key that describes what glint's towers
// do not do.
TowerDescription describe_towers(WeightFamily family, const std::filesystem::path& folder);

}  // namespace glint
