#include "train/weight_families.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "glint/core/error.h"
#include "glint/model/tower_weights.h"

namespace glint {
namespace {

// Entries of training checkpoints that hold the model, and names that wrappers put before every weight.
constexpr std::array kEntries = {"", "state_dict/", "model_state_dict/", "model/", "net/", "weights/"};
constexpr std::array kWrappers = {"module.", "_orig_mod."};

TensorMap unwrapped(TensorMap weights) {
  const auto all_start_with = [&](const char* prefix) {
    return !weights.empty() && std::all_of(weights.begin(), weights.end(),
                                           [&](const auto& entry) { return entry.first.starts_with(prefix); });
  };
  for (bool again = true; again;) {
    again = false;
    for (const auto* wrapper : kWrappers) {
      if (!all_start_with(wrapper)) continue;
      weights = without_prefix(weights, wrapper);
      again = true;
    }
  }
  return weights;
}

std::optional<WeightFamily> family_of(const TensorMap& weights) {
  const auto has = [&](const char* name) { return weights.count(name) > 0; };
  if (has("vision_model.head.probe")) return WeightFamily::kHuggingFaceSiglip;
  if (has("vision_model.embeddings.patch_embedding.weight")) return WeightFamily::kHuggingFaceClip;
  if (has("clip.vision_model.embeddings.patch_embedding.weight")) return WeightFamily::kXpool;
  if (has("clip.visual.conv1.weight")) return WeightFamily::kRetrieval;
  if (has("visual.conv1.weight")) return WeightFamily::kClip;
  return std::nullopt;
}

// open_clip's models with a text tower of their own write "text." before its weights; their names else are OpenAI's.
TensorMap without_text_prefix(const TensorMap& weights) {
  constexpr std::string_view kText = "text.";
  TensorMap plain;
  for (const auto& [name, tensor] : weights) {
    plain[name.starts_with(kText) ? name.substr(kText.size()) : name] = tensor;
  }
  return plain;
}

[[noreturn]] void refuse(const WeightFile& file) {
  const auto has_prefix = [&](std::string_view part) {
    return std::any_of(file.tensors.begin(), file.tensors.end(),
                       [&](const auto& entry) { return entry.first.find(part) != entry.first.npos; });
  };
  if (has_prefix("visual.trunk.")) {
    throw Error(file.path.string(),
                ": is an open_clip model whose image tower is one of timm's, which glint does not know");
  }
  std::string names;
  std::size_t count = 0;
  for (const auto& [name, tensor] : file.tensors) {
    if (count++ == 3) break;
    names += (names.empty() ? "'" : ", '") + name + "'";
  }
  throw Error(file.path.string(), ": ", file.kind, " with ", file.tensors.size(), " tensors (", names,
              ", ...), which are neither CLIP's nor SigLIP's nor those of a system glint knows; glint import --list "
              "shows them all");
}

}  // namespace

const char* family_text(WeightFamily family) {
  switch (family) {
    case WeightFamily::kClip:
      return "CLIP under OpenAI's names";
    case WeightFamily::kHuggingFaceClip:
      return "CLIP under Hugging Face's names";
    case WeightFamily::kHuggingFaceSiglip:
      return "SigLIP under Hugging Face's names";
    case WeightFamily::kRetrieval:
      return "a retrieval system around OpenAI's CLIP";
    case WeightFamily::kXpool:
      return "X-Pool";
  }
  GLINT_CHECK(false, "a family without a name");
}

KnownWeights recognise(const WeightFile& file) {
  for (const auto* entry : kEntries) {
    auto weights = unwrapped(without_prefix(file.tensors, entry));
    if (const auto family = family_of(weights)) {
      if (*family == WeightFamily::kClip) weights = without_text_prefix(weights);
      return {*family, std::move(weights)};
    }
  }
  refuse(file);
}

}  // namespace glint
