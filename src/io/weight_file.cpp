#include "glint/io/weight_file.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <vector>

#include "glint/core/error.h"
#include "glint/core/files.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

// Names that Hugging Face and open_clip give, the ones to be preferred first.
constexpr std::array kKnownNames = {"model.safetensors", "model.safetensors.index.json", "open_clip_model.safetensors",
                                    "pytorch_model.bin", "pytorch_model.bin.index.json", "open_clip_pytorch_model.bin"};
constexpr std::array kExtensions = {".safetensors", ".bin", ".pt", ".pth", ".ckpt"};

fs::path file_in(const fs::path& folder) {
  for (const auto* name : kKnownNames) {
    if (files::exists(folder / name)) return folder / name;
  }
  std::vector<fs::path> found;
  for (const auto& entry : files::list(folder)) {
    const auto extension = entry.path.extension();
    if (std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end()) found.push_back(entry.path);
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    throw Error(folder.string(),
                ": holds no weights (model.safetensors, pytorch_model.bin, open_clip_model.safetensors, "
                "or one file of another name that ends in .safetensors, .bin, .pt, .pth, .ckpt)");
  }
  throw Error(folder.string(), ": holds ", found.size(), " files of weights; name the one that is meant");
}

// A safetensors file begins with the length of its header, in 8 bytes, and the header's '{'.
bool is_safetensors(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::array<char, 9> start{};
  return in.read(start.data(), start.size()) && start[8] == '{' && start[7] == 0 && start[6] == 0;
}

}  // namespace

WeightFile read_weights(const fs::path& file_or_folder) {
  if (!files::exists(file_or_folder)) throw Error(file_or_folder.string(), ": is not there");
  const auto path = files::is_folder(file_or_folder) ? file_in(file_or_folder) : file_or_folder;
  const auto name = path.filename().string();
  if (name.ends_with(".bin.index.json")) return {path, "torch.save in parts", read_torch_index(path), {}, {}};
  if (name.ends_with(".index.json")) return {path, "safetensors in parts", read_safetensors_index(path), {}, {}};
  if (is_safetensors(path) || name.ends_with(".safetensors")) {
    auto file = read_safetensors(path);
    std::map<std::string, Scalar> scalars(file.metadata.begin(), file.metadata.end());
    return {path, "safetensors", std::move(file.tensors), std::move(scalars), {}};
  }
  auto file = read_torch_file(path);
  return {path, file.kind, std::move(file.tensors), std::move(file.scalars), std::move(file.others)};
}

}  // namespace glint
