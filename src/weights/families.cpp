#include "weights/families.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>

#include "glint/core/error.h"
#include "glint/core/first_few.h"
#include "glint/weights/tower_weights.h"

namespace glint {
namespace {

// The first weight of an image tower: where it stands the model's names begin.
constexpr std::array kMarks = {std::string_view("vision_model.embeddings.patch_embedding.weight"),
                               std::string_view("visual.conv1.weight")};
constexpr std::string_view kTowers = "clip.";  // the towers of a system around CLIP

// What torch.compile and its like put before the names of the modules that they wrap, inner ones too.
constexpr std::array kInnerWrappers = {std::string_view("_orig_mod."), std::string_view("_fsdp_wrapped_module."),
                                       std::string_view("_checkpoint_wrapped_module.")};

std::string without_inner_wrappers(std::string name) {
  for (const auto part : kInnerWrappers) {
    for (auto at = name.find(part); at != std::string::npos; at = name.find(part, at)) {
      const bool begins_part = at == 0 || name[at - 1] == '.' || name[at - 1] == '/';
      if (begins_part) {
        name.erase(at, part.size());
      } else {
        at += part.size();
      }
    }
  }
  return name;
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

// What stands in one entry of a training checkpoint, whose names lead to it with a "/"; the optimizer is another entry.
TensorMap of_entry(const TensorMap& weights, const std::string& wrapper) {
  auto own = without_prefix(weights, wrapper);
  std::erase_if(own, [](const auto& entry) { return entry.first.find('/') != std::string::npos; });
  return own;
}

bool stands_alone(const TensorMap& weights, const std::string& prefix) {
  return std::all_of(weights.begin(), weights.end(),
                     [&](const auto& entry) { return entry.first.starts_with(prefix); });
}

// The text before each image tower's first weight, as far as it belongs to a wrapper: "state_dict/model.". Of a system
// around CLIP, whose own weights stand beside "clip.", that is no part of it.
std::set<std::string> wrappers_in(const TensorMap& weights) {
  std::set<std::string> wrappers;
  for (const auto& [name, tensor] : weights) {
    for (const auto mark : kMarks) {
      if (!name.ends_with(mark)) continue;
      auto wrapper = name.substr(0, name.size() - mark.size());
      if (!wrapper.empty() && wrapper.back() != '.' && wrapper.back() != '/') continue;
      auto outer = wrapper;
      const bool in_towers =
          wrapper == kTowers || wrapper.ends_with(concat(".", kTowers)) || wrapper.ends_with(concat("/", kTowers));
      if (in_towers) outer.resize(wrapper.size() - kTowers.size());
      const auto all = of_entry(weights, outer);
      // Hugging Face's CLIP alone behind "clip." is no X-Pool, which has weights of its own.
      const bool is_system = mark != kMarks[0] || !stands_alone(all, std::string(kTowers));
      wrappers.insert(in_towers && is_system ? outer : wrapper);
    }
  }
  return wrappers;
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

std::string first_names(const TensorMap& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) names.push_back("'" + name + "'");
  return few_names(names);
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
  throw Error(file.path.string(), ": ", file.kind, " with ", file.tensors.size(), " tensors (",
              first_names(file.tensors),
              "), which are neither CLIP's nor SigLIP's nor those of a system glint knows; glint import --list "
              "shows them all");
}

// "the entry 'state_dict', behind 'model.'": of a wrapper that is not empty.
std::string wrapper_text(const std::string& wrapper) {
  const auto slash = wrapper.rfind('/');
  const auto entry = slash == std::string::npos ? "" : wrapper.substr(0, slash);
  const auto prefix = wrapper.substr(slash == std::string::npos ? 0 : slash + 1);
  return concat(entry.empty() ? "" : concat("in the entry '", entry, "'"), entry.empty() || prefix.empty() ? "" : ", ",
                prefix.empty() ? "" : concat("behind '", prefix, "'"));
}

// Of tensors in the model's entry that stand outside its prefix: none may be passed over unheard.
std::string outsiders_text(const TensorMap& weights, const std::string& wrapper) {
  const auto slash = wrapper.rfind('/');
  const auto entry = wrapper.substr(0, slash == std::string::npos ? 0 : slash + 1);
  TensorMap outside;
  for (auto it = weights.lower_bound(entry); it != weights.end() && it->first.starts_with(entry); ++it) {
    const bool is_other_entry = it->first.find('/', entry.size()) != std::string::npos;
    if (!it->first.starts_with(wrapper) && !is_other_entry) outside.insert(*it);
  }
  if (outside.empty()) return "";
  return concat(outside.size(), " tensors are passed over, whose names do not begin with '",
                wrapper.substr(entry.size()), "' as the model's do: ", first_names(outside));
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
  TensorMap tensors;
  for (const auto& [name, tensor] : file.tensors) tensors[without_inner_wrappers(name)] = tensor;
  const auto wrappers = wrappers_in(tensors);
  if (wrappers.empty()) refuse(file);
  if (wrappers.size() > 1) {
    const auto text = [](const std::string& wrapper) {
      return wrapper.empty() ? "one without any prefix" : concat("one ", wrapper_text(wrapper));
    };
    throw Error(file.path.string(), ": holds ", wrappers.size(), " models, ", text(*wrappers.begin()), " and ",
                text(*std::next(wrappers.begin())), "; save the one that is meant in a file of its own");
  }
  const auto& wrapper = *wrappers.begin();
  KnownWeights known{WeightFamily::kClip, of_entry(tensors, wrapper), "", outsiders_text(tensors, wrapper)};
  const auto family = family_of(known.weights);
  GLINT_CHECK(family.has_value(), file.path.string(), ": a mark without a family");
  known.family = *family;
  if (!wrapper.empty()) known.wrapper = wrapper_text(wrapper);
  if (known.family == WeightFamily::kClip) known.weights = without_text_prefix(known.weights);
  return known;
}

}  // namespace glint
