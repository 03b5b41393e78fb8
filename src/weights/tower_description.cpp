#include "weights/tower_description.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/json.h"
#include "glint/core/text_file.h"

namespace glint {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kMaxConfig = 1 << 20;  // bytes

json read_json(const fs::path& path) {
  return parse_json_object(read_text(path, kMaxConfig), path.string());
}

// Keys of one object of a description; sentences name the file and the key's path.
class Keys {
 public:
  Keys(const fs::path& path, const json& object, std::string name)
      : path_(path), object_(object.is_object() ? object : json::object()), name_(std::move(name)) {}

  Keys in(const char* key) const {
    const auto found = value(key);
    if (!found.is_null() && !found.is_object()) refuse(key, "is no object");
    return {path_, found.is_null() ? json::object() : found, name_ + key + "."};
  }
  int64_t number(const char* key, int64_t otherwise) const {
    const auto found = value(key);
    if (found.is_null()) return otherwise;
    if (!found.is_number_integer() || found.get<int64_t>() < 1) refuse(key, "is no number above 0");
    return found.get<int64_t>();
  }
  int64_t number_from_0(const char* key) const { return value(key) == 0 ? 0 : number(key, 0); }
  double real(const char* key, double otherwise) const {
    const auto found = value(key);
    if (found.is_null()) return otherwise;
    if (!found.is_number()) refuse(key, "is no number");
    return found.get<double>();
  }
  std::string text(const char* key, const std::string& otherwise) const {
    const auto found = value(key);
    if (found.is_null()) return otherwise;
    if (!found.is_string()) refuse(key, "is no text");
    return found.get<std::string>();
  }
  bool flag(const char* key, bool otherwise) const {
    const auto found = value(key);
    if (found.is_null()) return otherwise;
    if (!found.is_boolean()) refuse(key, "is neither true nor false");
    return found.get<bool>();
  }
  bool has(const char* key) const { return !value(key).is_null(); }
  bool is(const char* key, const json& expected) const { return value(key) == expected; }

  [[noreturn]] void refuse(const char* key, const std::string& what) const {
    throw Error(path_.string(), ": ", name_, key, " (", short_json(value(key)), ") ", what);
  }

 private:
  json value(const char* key) const { return object_.contains(key) ? object_.at(key) : json(); }

  const fs::path& path_;
  json object_;
  std::string name_;
};

std::string activation_of(const Keys& keys, const char* otherwise) {
  const auto name = keys.text("hidden_act", otherwise);
  if (name == "quick_gelu" || name == "gelu") return name;
  if (name == "gelu_pytorch_tanh" || name == "gelu_new") return "gelu_tanh";
  keys.refuse("hidden_act", "is an activation glint does not know; it knows quick_gelu, gelu, gelu_pytorch_tanh");
}

// One tower's keys. transformers lets the "_dict" of its first releases win over the object that replaced it, with the
// defaults of what it leaves out; SigLIP never had one.
Keys tower_keys(const Keys& keys, const std::string& name, bool is_siglip) {
  const auto legacy = name + "_dict";
  if (!keys.has(legacy.c_str())) return keys.in(name.c_str());
  if (is_siglip) keys.refuse(legacy.c_str(), "is a key of CLIP's descriptions, which transformers does not read here");
  return keys.in(legacy.c_str());
}

DescribedTower described_tower(const Keys& tower, int64_t default_width) {
  return {tower.number("hidden_size", default_width), tower.has("hidden_size"), tower.has("num_attention_heads"),
          "transformers"};
}

// transformers leaves out what has its class's default.
TowerDescription from_hugging_face(const fs::path& path, bool is_siglip) {
  const auto json = read_json(path);
  const Keys keys(path, json, "");
  const auto vision = tower_keys(keys, "vision_config", is_siglip), text = tower_keys(keys, "text_config", is_siglip);
  const auto* usual = is_siglip ? "gelu_pytorch_tanh" : "quick_gelu";
  const double eps = is_siglip ? 1e-6 : 1e-5;
  TowerConfig towers;
  towers.kind = is_siglip ? "siglip" : "clip";
  towers.activation = activation_of(vision, usual);
  if (activation_of(text, usual) != towers.activation) text.refuse("hidden_act", "is not the image tower's");
  towers.vision_heads = vision.number("num_attention_heads", 12);
  towers.text_heads = text.number("num_attention_heads", is_siglip ? 12 : 8);
  for (const auto& tower : {vision, text}) {
    if (tower.real("layer_norm_eps", eps) != eps) tower.refuse("layer_norm_eps", concat("is not ", eps));
  }
  if (!vision.flag("vision_use_head", true))
    vision.refuse("vision_use_head", "leaves out the pooling that glint needs");
  return {towers, path, described_tower(vision, 768), described_tower(text, is_siglip ? 768 : 512)};
}

// Parts of open_clip's models that CLIP's own do not have.
struct Part {
  const char* key;
  json without;  // the value that means that it is not there; null: none but its absence
  const char* sentence = "is a part that glint's towers do not have";
};

const std::vector<Part>& vision_parts() {
  static const std::vector<Part> parts = {
      {"timm_model_name", nullptr},
      {"attentional_pool", false},
      {"attn_pooler_queries", nullptr},
      {"no_ln_pre", false},
      {"pos_embed_type", "learnable"},
      {"act_kwargs", nullptr},
      {"norm_kwargs", nullptr},
      {"ls_init_value", nullptr},
      {"pool_type", "tok", "is not tok, the class token"},
  };
  return parts;
}

const std::vector<Part>& text_parts() {
  static const std::vector<Part> parts = {
      {"hf_model_name", nullptr}, {"no_causal_mask", false},  {"act_kwargs", nullptr},
      {"norm_kwargs", nullptr},   {"ls_init_value", nullptr}, {"pool_type", "argmax", "is not argmax, the end token"},
  };
  return parts;
}

void refuse_parts(const Keys& keys, const std::vector<Part>& parts) {
  for (const auto& part : parts) {
    if (keys.has(part.key) && !keys.is(part.key, part.without)) keys.refuse(part.key, part.sentence);
  }
}

TowerDescription from_open_clip(const fs::path& path) {
  const auto json = read_json(path);
  const Keys all(path, json, "");
  const auto keys = all.has("model_cfg") ? all.in("model_cfg") : all;
  const auto vision = keys.in("vision_cfg"), text = keys.in("text_cfg");
  refuse_parts(vision, vision_parts());
  refuse_parts(text, text_parts());
  TowerConfig towers;
  towers.activation = keys.flag("quick_gelu", false) ? "quick_gelu" : "gelu";
  towers.vision_heads = vision.number("width", 768) / vision.number("head_width", 64);
  towers.text_heads = text.number("heads", 8);
  return {towers,
          path,
          {vision.number("width", 768), vision.has("width"), vision.has("width"), "open_clip"},
          {text.number("width", 512), text.has("width"), text.has("heads"), "open_clip"}};
}

// Of a folder that glint export wrote: its config.json (reference) or deploy.json (torchscript).
std::optional<TowerConfig> from_own_export(const fs::path& path) {
  const auto json = read_json(path);
  const auto format = json.value("format", nlohmann::json());
  if (format != "glint export 1" && format != "glint deploy 1") return std::nullopt;
  const Keys all(path, json, "");
  const auto keys = format == "glint deploy 1" ? all.in("towers") : all.in("settings").in("model").in("towers");
  TowerConfig towers;
  towers.activation = keys.text("activation", towers.activation);
  towers.vision_heads = keys.number_from_0("vision_heads");
  towers.text_heads = keys.number_from_0("text_heads");
  return towers;
}

}  // namespace

TowerDescription describe_towers(WeightFamily family, const fs::path& folder) {
  const bool is_siglip = family == WeightFamily::kHuggingFaceSiglip;
  const bool hugging_face = is_siglip || family == WeightFamily::kHuggingFaceClip;
  const auto config = folder / "config.json", open_clip = folder / "open_clip_config.json";
  if (hugging_face && files::exists(config)) return from_hugging_face(config, is_siglip);
  if (family == WeightFamily::kClip && files::exists(open_clip)) return from_open_clip(open_clip);
  const auto own_file = family == WeightFamily::kClip ? folder / "deploy.json" : config;
  if (!hugging_face && files::exists(own_file)) {
    if (const auto own = from_own_export(own_file)) return {*own, own_file, {}, {}};
  }
  TowerDescription usual;
  usual.towers.kind = is_siglip ? "siglip" : "clip";
  usual.towers.activation = is_siglip ? "gelu_tanh" : "quick_gelu";
  return usual;
}

}  // namespace glint
