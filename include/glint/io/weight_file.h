#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "glint/io/safetensors.h"
#include "glint/io/torch_file.h"

namespace glint {

// Weights as they lie on the disk, whatever wrote them.
struct WeightFile {
  std::filesystem::path path;  // of the file, or of the index of its parts
  std::string kind;            // "safetensors", "safetensors in parts", "torch.save", "TorchScript", ...
  TensorMap tensors;
  std::map<std::string, Scalar> scalars;      // numbers and texts beside them
  std::map<std::string, std::string> others;  // what was passed over, and what it is
};

// A file known by its content (safetensors, PyTorch's formats, an index of parts), or a folder that holds one under a
// name of Hugging Face's or open_clip's, or a single one. Throws Error where it is none of these or is damaged.
WeightFile read_weights(const std::filesystem::path& file_or_folder);

}  // namespace glint
