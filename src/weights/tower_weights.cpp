#include "glint/weights/tower_weights.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string_view>

#include "glint/core/error.h"

namespace glint {
namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;

// How their tensor becomes ours.
enum class Change {
  kNone,
  kTransposed,
  kQuery,  // the first, second, third part of our rows
  kKey,
  kValue,
  kUnsqueezed,  // theirs has two more dimensions of size 1 in front
  kListed,      // theirs is a list of one
};

struct Rule {
  std::string theirs, ours;
  Change change = Change::kNone;
};

// --- tables of names

void add_pair(std::vector<Rule>& rules, const std::string& theirs, const std::string& ours,
              Change change = Change::kNone) {
  for (const auto* part : {".weight", ".bias"}) {
    rules.push_back({theirs + part, ours + part, change});
  }
}

void add_hugging_face_attention(std::vector<Rule>& rules, const std::string& theirs, const std::string& ours) {
  constexpr std::array<std::pair<const char*, Change>, 3> kParts = {
      {{"q_proj", Change::kQuery}, {"k_proj", Change::kKey}, {"v_proj", Change::kValue}}};
  for (const auto& [name, change] : kParts) {
    rules.push_back({theirs + name + ".weight", ours + "in_proj_weight", change});
    rules.push_back({theirs + name + ".bias", ours + "in_proj_bias", change});
  }
  add_pair(rules, theirs + "out_proj", ours + "out_proj");
}

void add_hugging_face_blocks(std::vector<Rule>& rules, const std::string& theirs, const std::string& ours,
                             int64_t layers) {
  for (int64_t i = 0; i < layers; ++i) {
    const auto from = concat(theirs, ".encoder.layers.", i, "."), to = concat(ours, "resblocks.", i, ".");
    add_hugging_face_attention(rules, from + "self_attn.", to + "attn.");
    add_pair(rules, from + "layer_norm1", to + "ln_1");
    add_pair(rules, from + "layer_norm2", to + "ln_2");
    add_pair(rules, from + "mlp.fc1", to + "mlp.c_fc");
    add_pair(rules, from + "mlp.fc2", to + "mlp.c_proj");
  }
}

void add_hugging_face_clip(std::vector<Rule>& rules) {
  rules.push_back({"logit_scale", "logit_scale"});
  rules.push_back({"text_projection.weight", "text_projection", Change::kTransposed});
  rules.push_back({"visual_projection.weight", "visual.proj", Change::kTransposed});
  rules.push_back({"vision_model.embeddings.class_embedding", "visual.class_embedding"});
  rules.push_back({"vision_model.embeddings.patch_embedding.weight", "visual.conv1.weight"});
  add_pair(rules, "vision_model.pre_layrnorm", "visual.ln_pre");  // spelt so
}

void add_hugging_face_siglip(std::vector<Rule>& rules) {
  add_pair(rules, "vision_model.embeddings.patch_embedding", "visual.conv1");
  add_pair(rules, "text_model.head", "text_projection");
  rules.push_back({"logit_scale", "logit_scale", Change::kListed});
  rules.push_back({"logit_bias", "logit_bias", Change::kListed});
  rules.push_back({"vision_model.head.probe", "visual.pool.probe", Change::kUnsqueezed});
  for (const auto* name : {"in_proj_weight", "in_proj_bias"}) {
    rules.push_back({concat("vision_model.head.attention.", name), concat("visual.pool.attn.", name)});
  }
  add_pair(rules, "vision_model.head.attention.out_proj", "visual.pool.attn.out_proj");
  add_pair(rules, "vision_model.head.layernorm", "visual.pool.ln");
  add_pair(rules, "vision_model.head.mlp.fc1", "visual.pool.mlp.c_fc");
  add_pair(rules, "vision_model.head.mlp.fc2", "visual.pool.mlp.c_proj");
}

std::vector<Rule> rules_of(WeightNames names, const TowerSizes& sizes) {
  std::vector<Rule> rules;
  if (names == WeightNames::kOpenAi) {
    for (const auto& [name, shape] : tower_shapes(sizes)) rules.push_back({name, name});
    return rules;
  }
  rules = {{"text_model.embeddings.token_embedding.weight", "token_embedding.weight"},
           {"text_model.embeddings.position_embedding.weight", "positional_embedding"},
           {"vision_model.embeddings.position_embedding.weight", "visual.positional_embedding"}};
  add_pair(rules, "text_model.final_layer_norm", "ln_final");
  add_pair(rules, "vision_model.post_layernorm", "visual.ln_post");
  add_hugging_face_blocks(rules, "vision_model", "visual.transformer.", sizes.vision_layers);
  add_hugging_face_blocks(rules, "text_model", "transformer.", sizes.text_layers);
  sizes.kind == TowerKind::kSiglip ? add_hugging_face_siglip(rules) : add_hugging_face_clip(rules);
  return rules;
}

// What files hold beside weights.
bool is_passed_over(const std::string& name) {
  static const std::set<std::string> kNoWeights = {"input_resolution", "context_length", "vocab_size", "attn_mask"};
  return kNoWeights.count(name) > 0 || name.ends_with(".position_ids");
}

// --- changes

std::size_t part_of(Change change) {
  return change == Change::kQuery ? 0 : change == Change::kKey ? 1 : 2;
}
bool is_part(Change change) {
  return change == Change::kQuery || change == Change::kKey || change == Change::kValue;
}

std::vector<int64_t> their_shape(std::vector<int64_t> ours, Change change) {
  if (change == Change::kTransposed) std::reverse(ours.begin(), ours.end());
  if (is_part(change)) ours[0] /= 3;
  if (change == Change::kUnsqueezed) ours.insert(ours.begin(), 2, 1);
  if (change == Change::kListed) ours = {1};
  return ours;
}

// A scalar may stand as a list of one.
bool has_shape(const torch::Tensor& tensor, const std::vector<int64_t>& expected) {
  const bool one = tensor.numel() == 1 && tensor.dim() <= 1;
  return tensor.sizes() == at::IntArrayRef(expected) ||
         (one && expected.size() <= 1 && c10::multiply_integers(expected) == 1);
}

torch::Tensor theirs_of(const torch::Tensor& ours, Change change) {
  if (change == Change::kTransposed) return ours.t().contiguous();
  if (is_part(change)) return ours.chunk(3)[part_of(change)].contiguous();
  if (change == Change::kUnsqueezed) return ours.view({1, 1, -1});
  if (change == Change::kListed) return ours.view({1});
  return ours;
}

// Our tensor of the rules that name it, whose tensors have the right shapes.
torch::Tensor ours_of(const TensorMap& theirs, const std::vector<const Rule*>& rules) {
  const auto& first = theirs.at(rules.front()->theirs);
  const auto change = rules.front()->change;
  if (!is_part(change)) {
    const auto shaped = change == Change::kTransposed   ? first.t()
                        : change == Change::kUnsqueezed ? first.flatten()
                                                        : first;
    return shaped.to(torch::kFloat32).contiguous();
  }
  std::vector<torch::Tensor> parts(3);
  for (const auto* rule : rules) parts[part_of(rule->change)] = theirs.at(rule->theirs).to(torch::kFloat32);
  return torch::cat(parts);
}

// --- what the file holds

// Layers are numbered from 0 behind `prefix`: one more than the largest number, so that a gap is found as missing.
int64_t numbered_layers(const TensorMap& weights, const std::string& prefix) {
  int64_t layers = 0;
  for (auto it = weights.lower_bound(prefix); it != weights.end() && it->first.starts_with(prefix); ++it) {
    int64_t number = 0;
    const auto* begin = it->first.data() + prefix.size();
    const auto [rest, problem] = std::from_chars(begin, it->first.data() + it->first.size(), number);
    if (problem == std::errc() && number < 10'000) layers = std::max(layers, number + 1);
  }
  return layers;
}

// The sizes that the weights tell. Where a weight that tells one is not there, its default stands, and the weight will
// be reported as missing.
TowerSizes sizes_of(const TensorMap& weights, WeightNames names, const TowerConfig& config) {
  const bool hugging_face = names == WeightNames::kHuggingFace;
  auto sizes = tower_sizes(config, 224, 0);
  const bool is_siglip = sizes.kind == TowerKind::kSiglip;
  const auto size = [&](const char* openai, const char* huggingface, int64_t dimension, int64_t& to) {
    const auto found = weights.find(hugging_face ? huggingface : openai);
    if (found != weights.end() && found->second.dim() > dimension) to = found->second.size(dimension);
  };
  sizes.vision_layers =
      numbered_layers(weights, hugging_face ? "vision_model.encoder.layers." : "visual.transformer.resblocks.");
  sizes.text_layers = numbered_layers(weights, hugging_face ? "text_model.encoder.layers." : "transformer.resblocks.");
  size("visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight", 0, sizes.vision_width);
  size("visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight", 3, sizes.patch_size);
  size("visual.transformer.resblocks.0.mlp.c_fc.weight", "vision_model.encoder.layers.0.mlp.fc1.weight", 0,
       sizes.vision_hidden);
  size("transformer.resblocks.0.mlp.c_fc.weight", "text_model.encoder.layers.0.mlp.fc1.weight", 0, sizes.text_hidden);
  size("token_embedding.weight", "text_model.embeddings.token_embedding.weight", 0, sizes.vocabulary_size);
  size("token_embedding.weight", "text_model.embeddings.token_embedding.weight", 1, sizes.text_width);
  size("positional_embedding", "text_model.embeddings.position_embedding.weight", 0, sizes.context_length);
  if (is_siglip) {
    size("text_projection.weight", "text_model.head.weight", 0, sizes.embed_dim);
  } else {
    size("text_projection", "text_projection.weight", hugging_face ? 0 : 1, sizes.embed_dim);
  }
  int64_t rows = 0;
  size("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight", 0, rows);
  int64_t side = 1;
  while ((side + 1) * (side + 1) <= rows) ++side;
  sizes.image_size = side * sizes.patch_size;
  sizes.has_logit_bias = is_siglip || weights.count("logit_bias") > 0;
  return sizes;
}

// Lists what does not fit.
class Problems {
 public:
  void add(std::string problem) { all_.push_back(std::move(problem)); }
  void throw_any(const std::string& file) const {
    if (all_.empty()) return;
    std::string text = concat(file, ": ", all_.size(), all_.size() == 1 ? " name does" : " names do", " not fit: ");
    for (std::size_t i = 0; i < all_.size(); ++i) text += (i == 0 ? "" : "; ") + all_[i];
    throw Error(text);
  }

 private:
  std::vector<std::string> all_;
};

void add_block_shapes(Shapes& shapes, const std::string& name, const BlockSizes& sizes) {
  const auto w = sizes.width, hidden = sizes.hidden > 0 ? sizes.hidden : 4 * w;
  shapes[name + "attn.in_proj_weight"] = {3 * w, w};
  shapes[name + "attn.in_proj_bias"] = {3 * w};
  shapes[name + "attn.out_proj.weight"] = {w, w};
  shapes[name + "mlp.c_fc.weight"] = {hidden, w};
  shapes[name + "mlp.c_fc.bias"] = {hidden};
  shapes[name + "mlp.c_proj.weight"] = {w, hidden};
  for (const auto* of_width :
       {"attn.out_proj.bias", "mlp.c_proj.bias", "ln_1.weight", "ln_1.bias", "ln_2.weight", "ln_2.bias"}) {
    shapes[name + of_width] = {w};
  }
}

void add_siglip_shapes(Shapes& shapes, const TowerSizes& sizes) {
  const auto w = sizes.vision_width;
  shapes["visual.conv1.bias"] = shapes["visual.pool.probe"] = {w};
  shapes["text_projection.weight"] = {sizes.embed_dim, sizes.text_width};
  shapes["text_projection.bias"] = {sizes.embed_dim};
  Shapes pool;
  add_block_shapes(pool, "visual.pool.", vision_blocks(sizes));
  for (const auto& [name, shape] : pool) {
    if (name.find(".ln_") == std::string::npos) shapes[name] = shape;
  }
  shapes["visual.pool.ln.weight"] = shapes["visual.pool.ln.bias"] = {w};
}

void add_clip_shapes(Shapes& shapes, const TowerSizes& sizes) {
  const auto w = sizes.vision_width;
  shapes["visual.class_embedding"] = shapes["visual.ln_pre.weight"] = shapes["visual.ln_pre.bias"] = {w};
  shapes["visual.proj"] = {w, sizes.embed_dim};
  shapes["text_projection"] = {sizes.text_width, sizes.embed_dim};
}

}  // namespace

Shapes tower_shapes(const TowerSizes& sizes) {
  const bool is_siglip = sizes.kind == TowerKind::kSiglip;
  const auto grid = sizes.image_size / sizes.patch_size, w = sizes.vision_width, t = sizes.text_width;
  Shapes shapes = {{"logit_scale", {}},
                   {"visual.conv1.weight", {w, 3, sizes.patch_size, sizes.patch_size}},
                   {"visual.positional_embedding", {grid * grid + (is_siglip ? 0 : 1), w}},
                   {"visual.ln_post.weight", {w}},
                   {"visual.ln_post.bias", {w}},
                   {"token_embedding.weight", {sizes.vocabulary_size, t}},
                   {"positional_embedding", {sizes.context_length, t}},
                   {"ln_final.weight", {t}},
                   {"ln_final.bias", {t}}};
  if (sizes.has_logit_bias) shapes["logit_bias"] = {};
  for (int64_t i = 0; i < sizes.vision_layers; ++i) {
    add_block_shapes(shapes, concat("visual.transformer.resblocks.", i, "."), vision_blocks(sizes));
  }
  for (int64_t i = 0; i < sizes.text_layers; ++i) {
    add_block_shapes(shapes, concat("transformer.resblocks.", i, "."), text_blocks(sizes));
  }
  is_siglip ? add_siglip_shapes(shapes, sizes) : add_clip_shapes(shapes, sizes);
  return shapes;
}

ImportedTowers import_towers(const TensorMap& weights, WeightNames names, const TowerConfig& config,
                             const std::string& file) {
  ImportedTowers towers{{}, sizes_of(weights, names, config)};
  const auto rules = rules_of(names, towers.sizes);
  const auto shapes = tower_shapes(towers.sizes);
  std::map<std::string, std::vector<const Rule*>> by_ours;
  std::set<std::string> known;
  Problems problems;
  for (const auto& rule : rules) {
    by_ours[rule.ours].push_back(&rule);
    known.insert(rule.theirs);
    const auto expected = their_shape(shapes.at(rule.ours), rule.change);
    const auto found = weights.find(rule.theirs);
    if (found == weights.end()) {
      problems.add(concat("'", rule.theirs, "' is missing"));
    } else if (!has_shape(found->second, expected)) {
      problems.add(concat("'", rule.theirs, "' is ", found->second.sizes(), ", expected ", at::IntArrayRef(expected)));
    } else if (!found->second.is_floating_point()) {
      problems.add(concat("'", rule.theirs, "' holds ", found->second.scalar_type(), ", not floating-point numbers"));
    } else if (!found->second.isfinite().all().item<bool>()) {
      problems.add(concat("'", rule.theirs, "' holds what is no finite number"));
    }
  }
  for (const auto& [name, tensor] : weights) {
    if (known.count(name) == 0 && !is_passed_over(name))
      problems.add(concat("'", name, "' is no weight of this model"));
  }
  problems.throw_any(file);
  for (const auto& [ours, of] : by_ours) towers.weights[ours] = ours_of(weights, of).view(shapes.at(ours));
  return towers;
}

TowerSizes tower_sizes(const TensorMap& weights, const TowerConfig& config) {
  const bool is_bare = weights.count("visual.conv1.weight") > 0 || !has_prefix(weights, "clip.");
  const auto towers = is_bare ? weights : without_prefix(weights, "clip.");
  auto sizes = sizes_of(towers, WeightNames::kOpenAi, config);
  sizes.has_logit_bias = towers.count("logit_bias") > 0;
  const auto shapes = tower_shapes(sizes);
  for (const auto& [name, shape] : shapes) {
    if (towers.count(name) == 0) throw Error("tower weights: '", name, "' is missing");
  }
  const auto refuse = [&](const std::string& name) {
    throw Error("tower weights: '", name, "' is ", towers.at(name).sizes(), ", expected ",
                at::IntArrayRef(shapes.at(name)));
  };
  // Dimensions first: a weight with others than it should have told a wrong size, which others would be blamed for.
  for (const auto& [name, shape] : shapes) {
    const auto& weight = towers.at(name);
    if (weight.dim() != std::ssize(shape) && !has_shape(weight, shape)) refuse(name);
  }
  for (const auto& [name, shape] : shapes) {
    if (!has_shape(towers.at(name), shape)) refuse(name);
  }
  return sizes;
}

TensorMap export_towers(const TensorMap& weights, WeightNames names, const TowerSizes& sizes) {
  TensorMap theirs;
  for (const auto& rule : rules_of(names, sizes)) theirs[rule.theirs] = theirs_of(weights.at(rule.ours), rule.change);
  return theirs;
}

torch::Tensor resized_positions(const torch::Tensor& positions, int64_t image_size, TowerSizes& sizes) {
  const auto from = sizes.image_size / sizes.patch_size, to = image_size / sizes.patch_size;
  if (to < 1 || to * sizes.patch_size != image_size) {
    throw Error("--image-size: ", image_size, " is not a multiple of the patch size ", sizes.patch_size);
  }
  sizes.image_size = image_size;
  const auto first = positions.size(0) - from * from;  // class tokens: 1 of CLIP, none of SigLIP
  const auto grid = positions.slice(0, first).t().reshape({1, -1, from, from});
  const auto resized = at::_upsample_bicubic2d_aa(grid, {to, to}, /*align_corners=*/false);
  return torch::cat({positions.slice(0, 0, first), resized.flatten(2).squeeze(0).t()}).contiguous();
}

}  // namespace glint
