#pragma once

#include <filesystem>
#include <functional>

#include "glint/io/safetensors.h"

namespace glint {

// Reads the files that an index of Hugging Face's lists ({"weight_map": {tensor's name: file's name}}), one after the
// other, and gives all their tensors. Error names every tensor that stands in the index or in a file alone.
TensorMap read_shards(const std::filesystem::path& index,
                      const std::function<TensorMap(const std::filesystem::path&)>& read_shard);

}  // namespace glint
