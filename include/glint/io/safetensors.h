#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "glint/core/atomic_file.h"

namespace glint {

using TensorMap = std::map<std::string, torch::Tensor>;

struct TensorFile {
  // CPU, contiguous, in the file's types. They are the file's own pages: writing to one changes this process's copy
  // alone, and the file may be deleted or replaced meanwhile.
  TensorMap tensors;
  std::map<std::string, std::string> metadata;  // the file's __metadata__
};

// Throws Error naming the file and what is wrong with it: cut short, sizes that do not fit, overlapping or unknown
// data.
TensorFile read_safetensors(const std::filesystem::path& path);

// The tensors of all files that `index` (Hugging Face's model.safetensors.index.json) lists. Error names every tensor
// that stands in the index or in the files alone.
TensorMap read_safetensors_index(const std::filesystem::path& index);

// A file that is written a part of a tensor at a time; it appears whole or not at all.
class SafetensorsWriter {
 public:
  // The tensors' names, types and shapes; their values are not looked at.
  SafetensorsWriter(const std::filesystem::path& path, const TensorMap& shapes,
                    const std::map<std::string, std::string>& metadata = {});
  // The next values, in the order of the names; any device and stride.
  void write(const torch::Tensor& values);
  void commit();  // Bug where values are missing

 private:
  AtomicFile file_;
  std::uint64_t left_ = 0;  // bytes to come
};

// Puts the tensor's values into the file, any device and stride.
void write_values(const torch::Tensor& tensor, AtomicFile& file);
using WriteTensor = std::function<void(const torch::Tensor&, AtomicFile&)>;

// Atomic: the file appears whole or not at all. Tensors are written in the order of their names, each by `write`, which
// may take its values from elsewhere.
void write_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata = {},
                       const WriteTensor& write = write_values);

}  // namespace glint
