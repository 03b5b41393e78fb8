#include <torch/torch.h>

#include <array>
#include <string>
#include <utility>

#include "glint/core/error.h"
#include "glint/model/towers.h"
#include "model/tower_parts.h"

namespace glint {

namespace {

constexpr int64_t kHeadWidth = 64;  // where nothing else is said
constexpr double kSiglipLayerNormEps = 1e-6;

// The words of the settings.
constexpr std::array<std::pair<const char*, TowerKind>, 2> kKinds = {
    {{"clip", TowerKind::kClip}, {"siglip", TowerKind::kSiglip}}};
constexpr std::array<std::pair<const char*, Activation>, 3> kActivations = {
    {{"quick_gelu", Activation::kQuickGelu}, {"gelu", Activation::kGelu}, {"gelu_tanh", Activation::kGeluTanh}}};

template <typename Table>
auto value_of(const Table& words, const char* key, const std::string& word) {
  std::string all;
  for (const auto& [known, value] : words) {
    if (word == known) return value;
    all += concat(all.empty() ? "" : ", ", known);
  }
  throw Error("config.model.towers.", key, ": '", word, "' is none of ", all);
}

template <typename Table, typename Value>
const char* word_of(const Table& words, Value value) {
  for (const auto& [word, known] : words) {
    if (value == known) return word;
  }
  GLINT_CHECK(false, "a value without a word");
}

// A size and the setting that asks for it.
constexpr std::pair<int64_t TowerSizes::*, int64_t TowerConfig::*> kChosenSizes[] = {
    {&TowerSizes::embed_dim, &TowerConfig::embed_dim},
    {&TowerSizes::patch_size, &TowerConfig::patch_size},
    {&TowerSizes::vision_width, &TowerConfig::vision_width},
    {&TowerSizes::vision_layers, &TowerConfig::vision_layers},
    {&TowerSizes::vision_heads, &TowerConfig::vision_heads},
    {&TowerSizes::text_width, &TowerConfig::text_width},
    {&TowerSizes::text_layers, &TowerConfig::text_layers},
    {&TowerSizes::text_heads, &TowerConfig::text_heads},
    {&TowerSizes::context_length, &TowerConfig::context_length},
};

// What weights do not tell.
TowerSizes told_by(const TowerConfig& config) {
  TowerSizes sizes;
  sizes.kind = value_of(kKinds, "kind", config.kind);
  sizes.activation = value_of(kActivations, "activation", config.activation);
  sizes.vision_heads = config.vision_heads;
  sizes.text_heads = config.text_heads;
  return sizes;
}

void require(bool holds, const char* key, int64_t value, const char* what) {
  if (!holds) throw Error("config.model.towers.", key, ": ", value, " ", what);
}

void check_width(const char* width_key, int64_t width, const char* heads_key, int64_t heads) {
  require(width > 0 && (heads > 0 || width % kHeadWidth == 0), width_key, width, "is not a multiple of 64");
  require(heads >= 0 && (heads == 0 || width % heads == 0), heads_key, heads, "heads do not divide the width");
}

BlockSizes blocks(const TowerSizes& sizes, int64_t width, int64_t heads, int64_t hidden) {
  const bool is_siglip = sizes.kind == TowerKind::kSiglip;
  return {width, heads > 0 ? heads : width / kHeadWidth, is_siglip ? kSiglipLayerNormEps : kClipLayerNormEps, hidden,
          sizes.activation};
}

}  // namespace

TowerSizes tower_sizes(const TowerConfig& config, int64_t image_size, int64_t vocabulary_size) {
  auto sizes = told_by(config);
  for (const auto& [size, setting] : kChosenSizes) sizes.*size = config.*setting;
  sizes.image_size = image_size;
  sizes.vocabulary_size = vocabulary_size;
  sizes.has_logit_bias = sizes.kind == TowerKind::kSiglip;
  return sizes;
}

TowerConfig tower_config(const TowerSizes& sizes) {
  TowerConfig config;
  config.kind = word_of(kKinds, sizes.kind);
  config.activation = word_of(kActivations, sizes.activation);
  for (const auto& [size, setting] : kChosenSizes) config.*setting = sizes.*size;
  return config;
}

void check_sizes(const TowerSizes& s) {
  require(s.patch_size > 0 && s.image_size % s.patch_size == 0, "patch_size", s.patch_size,
          "does not divide the image side");
  check_width("vision_width", s.vision_width, "vision_heads", s.vision_heads);
  check_width("text_width", s.text_width, "text_heads", s.text_heads);
  require(s.vision_layers > 0, "vision_layers", s.vision_layers, "is not above 0");
  require(s.text_layers > 0, "text_layers", s.text_layers, "is not above 0");
  require(s.embed_dim > 0, "embed_dim", s.embed_dim, "is not above 0");
  require(s.context_length > 0, "context_length", s.context_length, "is not above 0");
}

BlockSizes vision_blocks(const TowerSizes& sizes) {
  return blocks(sizes, sizes.vision_width, sizes.vision_heads, sizes.vision_hidden);
}

BlockSizes text_blocks(const TowerSizes& sizes) {
  return blocks(sizes, sizes.text_width, sizes.text_heads, sizes.text_hidden);
}

}  // namespace glint
