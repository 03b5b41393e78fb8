#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <variant>

#include "glint/io/safetensors.h"

namespace glint {

using Scalar = std::variant<bool, std::int64_t, double, std::string>;

// What a file of PyTorch's holds, by name. Names are the path to a value: dict keys joined by "/", an int key and a
// place in a list or tuple in decimal digits, the attributes of TorchScript modules and of what is inside them joined
// by ".": "clip.logit_scale" in a plain state dict, "state_dict/clip.logit_scale", "optimizer/param_groups/0/lr",
// "visual.conv1.weight" in an archive. A file that is one bare tensor calls it "".
struct TorchFile {
  std::string kind;  // "torch.save", "torch.save, legacy format" or "TorchScript"
  // CPU; any stride. Tied tensors share a storage. Storages are the file's own pages: writing to a tensor changes this
  // process's copy alone, and the file may be deleted or replaced meanwhile.
  TensorMap tensors;
  std::map<std::string, Scalar> scalars;  // numbers and texts beside the tensors
  std::map<std::string, std::string>
      others;  // what was passed over, and what it is: "object of class pathlib.PosixPath"
};

// Reads what torch.save (zip archives, and the format before PyTorch 1.6) and torch.jit.save write, as data: nothing of
// Python is run or built. Error names the file and what is wrong: damaged or cut short, sizes that do not fit, two
// values of one name, big-endian numbers, and a pickle that calls what is not on the list in src/io/pickle_policy.cpp,
// by its name.
TorchFile read_torch_file(const std::filesystem::path& path);

// The tensors of all files that `index` (Hugging Face's pytorch_model.bin.index.json) lists, as
// read_safetensors_index().
TensorMap read_torch_index(const std::filesystem::path& index);

// The tensors as one state dict in torch.save's zip format, which torch.load(weights_only=True) opens. Atomic; names in
// order; any device and stride; tensors that share a storage share it in the file.
void write_torch_file(const std::filesystem::path& path, const TensorMap& tensors);

}  // namespace glint
