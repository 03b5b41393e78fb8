#include "weights/unimported.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/json.h"
#include "glint/core/text_file.h"
#include "glint/io/safetensors.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr std::array kWeightEndings = {".safetensors", ".bin", ".pt", ".pth", ".ckpt"};
constexpr std::size_t kLargestDescription = 1 << 20;  // bytes

bool ends_as_weights(const fs::path& file) {
  return std::find(kWeightEndings.begin(), kWeightEndings.end(), file.extension()) != kWeightEndings.end();
}

std::string import_first(const fs::path& from) {
  return concat("first: glint import ", from.string(), " NAME, then name NAME here");
}

bool is_own_export(const fs::path& config) {
  const auto json = parse_json_object(read_text(config, kLargestDescription), config.string());
  return json.value("format", nlohmann::json()) == "glint export 1";
}

}  // namespace

std::string how_to_fetch(const fs::path& path) {
  const auto name = path.string();
  const bool is_hub_name = std::count(name.begin(), name.end(), '/') == 1 && name.front() != '/' &&
                           name.front() != '.' && name.back() != '/' && !ends_as_weights(path) &&
                           !files::exists(path.parent_path());
  if (!is_hub_name) return "";
  const auto folder = path.filename().string();
  return concat("; glint downloads nothing: for a model of Hugging Face, hf download ", name, " --local-dir ", folder,
                " (of Python's huggingface_hub), then glint import ", folder, " NAME");
}

std::string no_checkpoint_text(const fs::path& folder) {
  const auto has = [&](const char* name) { return files::exists(folder / name); };
  const auto entries = files::list(folder);
  const bool holds_weights = std::any_of(entries.begin(), entries.end(),
                                         [](const files::Entry& entry) { return ends_as_weights(entry.path); });
  const bool is_split = has("model.safetensors.index.json") || has("pytorch_model.bin.index.json");
  if (!holds_weights && !is_split) return "holds no checkpoint";
  const auto* what = "holds weights that are no checkpoint";
  if (has("open_clip_config.json")) {
    what = "is an open_clip folder, not a checkpoint";
  } else if (has("config.json")) {
    what = is_own_export(folder / "config.json") ? "is an export under the released code's names, not a checkpoint"
                                                 : "is a Hugging Face folder, not a checkpoint";
  }
  return concat(what, "; ", import_first(folder));
}

void require_readable_weights(const fs::path& weights) {
  if (!files::exists(weights)) throw Error("model.weights: ", weights.string(), " is not there", how_to_fetch(weights));
  if (files::is_folder(weights)) return;
  if (files::exists(weights.parent_path() / "state.json")) {
    throw Error("model.weights: ", weights.string(), " is a file of a checkpoint; name its folder, ",
                weights.parent_path().string(), ", which says how its towers are built");
  }
  if (ends_as_weights(weights) && weights.extension() != ".safetensors") {
    throw Error("model.weights: ", weights.string(), " is neither a checkpoint folder nor a .safetensors file; ",
                import_first(weights));
  }
  const auto tensors = read_safetensors(weights).tensors;
  if (tensors.count("visual.conv1.weight") + tensors.count("clip.visual.conv1.weight") > 0) return;
  throw Error("model.weights: ", weights.string(), " holds no towers under OpenAI's names; ", import_first(weights));
}

}  // namespace glint
