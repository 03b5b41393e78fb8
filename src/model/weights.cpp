#include <torch/torch.h>

#include <array>
#include <set>
#include <string_view>
#include <vector>

#include "glint/core/error.h"
#include "glint/model/retrieval_model.h"

// How a model's parameters meet weights that come from elsewhere, and which of them train.
namespace glint {

namespace {

using Names = std::map<std::string, std::string>;

constexpr std::string_view kClip = "clip.";

// What the released state dicts hold beside the parameters that take part (methods 1.6, 3.3, 3.7, 4.1).
constexpr std::array<std::string_view, 9> kUnusedPrefixes = {
    "input_resolution",    "context_length",         "vocab_size",
    "decoder_layer_noun.", "decoder_layer_spatial.", "transformer_decoder_spatial.",
    "weight_fc.",          "noun_queries",           "visual_logit_weight",
};

bool starts_with_any(std::string_view name, const auto& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

std::string_view without_clip(std::string_view name) {
  return name.starts_with(kClip) ? name.substr(kClip.size()) : name;
}

// Copies weights[name] into the parameter that `targets` gives it; on any problem nothing is copied.
class Loader {
 public:
  Loader(torch::nn::Module& module, std::string source) : source_(std::move(source)) {
    for (auto& item : module.named_parameters()) parameters_[item.key()] = item.value();
  }

  void plan(const std::string& weight, const torch::Tensor& value, const std::string& parameter) {
    const auto found = parameters_.find(parameter);
    if (found == parameters_.end()) {
      problems_.push_back(concat("'", weight, "' fits no parameter of this model"));
    } else if (found->second.sizes() != value.sizes()) {
      problems_.push_back(concat("'", weight, "' is ", value.sizes(), ", the model's is ", found->second.sizes()));
    } else {
      planned_[parameter] = value;
    }
  }

  void require_finite(const std::string& weight, const torch::Tensor& value) {
    if (!value.isfinite().all().item<bool>()) {
      problems_.push_back(concat("'", weight, "' holds what is no finite number"));
    }
  }

  // `shown`: the names that the file would have, where they are not ours.
  void require_all(const Names& shown = {}) {
    for (const auto& [name, parameter] : parameters_) {
      if (planned_.count(name) > 0) continue;
      const auto found = shown.find(name);
      problems_.push_back(concat("'", found == shown.end() ? name : found->second, "' is missing"));
    }
  }

  void copy() {
    if (!problems_.empty()) fail();
    torch::NoGradGuard no_grad;
    for (const auto& [name, value] : planned_) parameters_.at(name).copy_(value);
  }

  // Parameters of the weight's type and layout become it; the others are copied.
  void adopt() {
    if (!problems_.empty()) fail();
    torch::NoGradGuard no_grad;
    for (const auto& [name, value] : planned_) {
      auto& parameter = parameters_.at(name);
      const bool same = value.is_contiguous() && value.options().type_equal(parameter.options());
      same ? parameter.set_data(value) : static_cast<void>(parameter.copy_(value));
    }
  }

  // A part of the model (its parameters begin with `prefix`) is given whole or not at all; `may_be_missing` starts
  // anew.
  void require_whole(std::string_view prefix, const Names& shown, std::string_view may_be_missing = {}) {
    if (!planned_any(prefix)) return;
    for (const auto& [name, parameter] : parameters_) {
      if (!name.starts_with(prefix) || name == may_be_missing || planned_.count(name) > 0) continue;
      problems_.push_back(concat("'", shown.at(name), "' is missing"));
    }
  }

  bool planned_any(std::string_view prefix) const {
    const auto first = planned_.lower_bound(std::string(prefix));
    return first != planned_.end() && first->first.starts_with(prefix);
  }

 private:
  [[noreturn]] void fail() const {
    std::string text =
        concat(source_, ": ", problems_.size(), problems_.size() == 1 ? " name does" : " names do", " not fit: ");
    for (std::size_t i = 0; i < problems_.size(); ++i) text += (i == 0 ? "" : "; ") + problems_[i];
    throw Error(text);
  }

  std::string source_;
  std::map<std::string, torch::Tensor> parameters_;
  std::map<std::string, torch::Tensor> planned_;
  std::vector<std::string> problems_;
};

// What CLIP4Clip starts as a copy of the text tower, by its released name -> the text tower's; empty: nothing.
std::string text_tower_name(const std::string& released) {
  const auto at_blocks = released.find(".resblocks.");
  if (released.starts_with("transformerClip.") || released.starts_with("cross.transformer.")) {
    return "clip.transformer" + released.substr(at_blocks);
  }
  const bool positions =
      released == "frame_position_embeddings.weight" || released == "cross.embeddings.position_embeddings.weight";
  return positions ? "clip.positional_embedding" : "";
}

// The transformers over frames (`prefix` "temporal.") and over pairs ("head.") start as the first text blocks and the
// text positions, where their width is theirs (methods 2).
void copy_text_tower(RetrievalModel& model, std::string_view prefix) {
  torch::NoGradGuard no_grad;
  auto parameters = model.named_parameters();
  for (const auto& [name, released] : model.reference_names()) {
    if (!name.starts_with(prefix)) continue;
    const auto* from = parameters.find(text_tower_name(released));
    if (from != nullptr && from->sizes() == parameters[name].sizes()) parameters[name].copy_(*from);
  }
}

bool is_frozen_by_clip4clip(std::string_view name) {
  constexpr std::array<std::string_view, 8> kTrained = {"visual.ln_post.",
                                                        "visual.proj",
                                                        "ln_final.",
                                                        "text_projection",
                                                        "logit_scale",
                                                        "logit_bias",
                                                        "transformer.resblocks.",
                                                        "visual.transformer.resblocks."};
  return name.starts_with(kClip) && !starts_with_any(without_clip(name), kTrained);
}

bool is_frozen(std::string_view name, const std::string& rule) {
  if (rule == "none") return false;
  if (rule == "conv1") return name == "clip.visual.conv1.weight";
  if (rule == "clip4clip") return is_frozen_by_clip4clip(name);
  if (rule == "towers") return name.starts_with(kClip) && !without_clip(name).starts_with("logit_");
  throw Error("config.model.freeze: no rule '", rule, "'; there are none, conv1, clip4clip, towers");
}

std::string reference_name(const std::string& name, const Names& of_head) {
  const auto rest = [&](std::string_view prefix) { return name.substr(prefix.size()); };
  if (name.starts_with("temporal.resblocks.")) return "transformerClip." + rest("temporal.");
  if (name.starts_with("temporal.lstm.")) return "lstm_visual." + rest("temporal.lstm.");
  if (name.starts_with("temporal.")) return rest("temporal.");
  if (name.starts_with("head.")) {
    const auto found = of_head.find(rest("head."));
    GLINT_CHECK(found != of_head.end(), "the head gives no reference name for '", name, "'");
    return found->second;
  }
  return name;
}

}  // namespace

Names RetrievalModel::reference_names() const {
  const auto of_head = head_->reference_names();
  Names names;
  for (const auto& item : named_parameters()) names[item.key()] = reference_name(item.key(), of_head);
  return names;
}

namespace {

Loader whole_model(RetrievalModel& model, const TensorMap& weights) {
  Loader loader(model, "weights");
  for (const auto& [name, value] : weights) loader.plan(name, value, name);
  loader.require_all();
  return loader;
}

}  // namespace

void load_weights(RetrievalModel& model, const TensorMap& weights) {
  whole_model(model, weights).copy();
}

void adopt_weights(RetrievalModel& model, const TensorMap& weights) {
  whole_model(model, weights).adopt();
}

namespace {

// Plans every weight under one of the names that a file may use for it; what the released systems hold and do not use
// is passed over.
void plan_by_released_names(const RetrievalModel& model, const TensorMap& weights, Loader& loader) {
  Names ours;  // every name a file may use -> ours
  for (const auto& [name, reference] : model.reference_names()) {
    ours[reference] = ours[name] = name;
    if (name.starts_with(kClip)) ours[std::string(without_clip(name))] = name;
  }
  for (const auto& [name, value] : weights) {
    const auto found = ours.find(name);
    if (found == ours.end() && starts_with_any(without_clip(name), kUnusedPrefixes)) continue;
    loader.plan(name, value, found == ours.end() ? std::string() : found->second);
    loader.require_finite(name, value);
  }
}

}  // namespace

LoadedParts load_pretrained(RetrievalModel& model, const TensorMap& weights) {
  Loader loader(model, "weights");
  plan_by_released_names(model, weights, loader);
  const auto names = model.reference_names();
  loader.require_whole(kClip, names, "clip.logit_bias");
  for (const auto* prefix : {"temporal.", "head."}) loader.require_whole(prefix, names);
  loader.copy();
  const LoadedParts parts{loader.planned_any(kClip), loader.planned_any("temporal."), loader.planned_any("head.")};
  if (!loader.planned_any("clip.transformer.resblocks.")) return parts;
  for (const auto* prefix : {"temporal.", "head."}) {
    if (!loader.planned_any(prefix)) copy_text_tower(model, prefix);
  }
  return parts;
}

void load_released(RetrievalModel& model, const TensorMap& weights, const std::string& file) {
  Loader loader(model, file);
  plan_by_released_names(model, weights, loader);
  loader.require_all(model.reference_names());
  loader.copy();
}

void freeze_parameters(RetrievalModel& model, const std::string& rule) {
  for (auto& item : model.named_parameters()) item->set_requires_grad(!is_frozen(item.key(), rule));
}

}  // namespace glint
