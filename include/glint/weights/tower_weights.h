#pragma once

#include <map>
#include <string>
#include <vector>

#include "glint/io/state_dict.h"
#include "glint/model/towers.h"

// The towers' weights under the names of others and under ours, which are OpenAI's (methods 1.6). Maps hold the towers
// alone, under bare names: "visual.conv1.weight".
namespace glint {

enum class WeightNames { kOpenAi, kHuggingFace };

struct ImportedTowers {
  TensorMap weights;  // under our names, in float32
  TowerSizes sizes;   // as the weights tell them
};

// `config` says what weights do not tell: kind, heads, activation. Entries that hold no weight (buffers such as
// position_ids, OpenAI's input_resolution) are passed over. Throws one Error that names `file` and lists every name
// that is missing, spare or misshapen.
ImportedTowers import_towers(const TensorMap& weights, WeightNames names, const TowerConfig& config,
                             const std::string& file);

// The sizes of towers under our names, bare or behind "clip."; kind, heads and activation, which weights do not tell,
// from `config`. Throws Error naming what is missing or misshapen.
TowerSizes tower_sizes(const TensorMap& weights, const TowerConfig& config = {});

// The way back, in the types they have.
TensorMap export_towers(const TensorMap& weights, WeightNames names, const TowerSizes& sizes);

// Every weight of towers of these sizes, and its shape.
std::map<std::string, std::vector<int64_t>> tower_shapes(const TowerSizes& sizes);

// The table of the image tower's positions for pictures of another size: bicubic with antialiasing, as open_clip
// resizes it. `sizes` become those of the new table.
torch::Tensor resized_positions(const torch::Tensor& positions, int64_t image_size, TowerSizes& sizes);

}  // namespace glint
