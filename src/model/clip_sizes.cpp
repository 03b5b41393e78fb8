#include <torch/torch.h>

#include <cmath>
#include <string>

#include "glint/core/error.h"
#include "glint/model/clip.h"

namespace glint {

namespace {

TensorMap::const_iterator find(const TensorMap& weights, const std::string& name) {
  const auto found = weights.find(name);
  return found != weights.end() ? found : weights.find("clip." + name);
}

const torch::Tensor& find(const TensorMap& weights, const std::string& name, int64_t dimensions) {
  const auto found = find(weights, name);
  if (found == weights.end()) throw Error("CLIP weights: '", name, "' is missing");
  if (found->second.dim() != dimensions) {
    throw Error("CLIP weights: '", name, "' has ", found->second.dim(), " dimensions, expected ", dimensions);
  }
  return found->second;
}

// Layers are those with an attention matrix, numbered from 0 without a gap.
int64_t count_layers(const TensorMap& weights, const std::string& prefix) {
  int64_t layers = 0;
  while (find(weights, prefix + std::to_string(layers) + ".attn.in_proj_weight") != weights.end()) ++layers;
  if (layers == 0) throw Error("CLIP weights: '", prefix, "0.attn.in_proj_weight' is missing");
  return layers;
}

}  // namespace

ClipSizes clip_sizes(const TensorMap& weights) {
  const auto& conv1 = find(weights, "visual.conv1.weight", 4);
  const auto& positions = find(weights, "visual.positional_embedding", 2);
  const auto& tokens = find(weights, "token_embedding.weight", 2);
  ClipSizes sizes;
  sizes.vision_width = conv1.size(0);
  sizes.patch_size = conv1.size(3);
  const auto grid = std::llround(std::sqrt(static_cast<double>(positions.size(0) - 1)));
  if (grid < 1 || grid * grid + 1 != positions.size(0)) {
    throw Error("CLIP weights: 'visual.positional_embedding' has ", positions.size(0),
                " rows, which is not 1 + a square");
  }
  sizes.image_size = grid * sizes.patch_size;
  sizes.vision_layers = count_layers(weights, "visual.transformer.resblocks.");
  sizes.text_layers = count_layers(weights, "transformer.resblocks.");
  sizes.text_width = find(weights, "ln_final.weight", 1).size(0);
  sizes.embed_dim = find(weights, "text_projection", 2).size(1);
  sizes.context_length = find(weights, "positional_embedding", 2).size(0);
  sizes.vocabulary_size = tokens.size(0);
  return sizes;
}

}  // namespace glint
