#pragma once

#include <cstdint>
#include <string>

#include "glint/config/setting_rule.h"

namespace glint {

// model.towers.*: the two towers. Sizes are for towers that start from nothing: weights bring their own.
struct TowerConfig {
  std::string kind = "clip";
  std::string activation = "quick_gelu";
  int64_t embed_dim = 512;
  int64_t patch_size = 32;
  int64_t vision_width = 768;
  int64_t vision_layers = 12;
  int64_t text_width = 512;
  int64_t text_layers = 12;
  int64_t context_length = 77;
  int64_t vision_heads = 0;
  int64_t text_heads = 0;
};

template <class Visitor>
void describe(Visitor& v, TowerConfig& c) {
  v.field("kind", c.kind, one_of({"clip", "siglip"}).of_weights(), "family of the towers: clip, siglip");
  v.field("activation", c.activation, one_of({"quick_gelu", "gelu", "gelu_tanh"}).of_weights(),
          "activation of the MLPs: quick_gelu (OpenAI's CLIP), gelu (most of open_clip), gelu_tanh (SigLIP)");
  v.field("embed_dim", c.embed_dim, within(1, 1 << 16).of_weights(),
          "width of the embeddings of texts and frames (D in shapes)");
  v.field("patch_size", c.patch_size, within(1, 4096).of_weights(), "side of an image patch, pixels");
  v.field("vision_width", c.vision_width, within(1, 1 << 16).of_weights(), "width of the image tower's tokens");
  v.field("vision_layers", c.vision_layers, within(1, 256).of_weights(), "transformer blocks of the image tower");
  v.field("text_width", c.text_width, within(1, 1 << 16).of_weights(), "width of the text tower's tokens");
  v.field("text_layers", c.text_layers, within(1, 256).of_weights(), "transformer blocks of the text tower");
  v.field("context_length", c.context_length, within(2, 4096).of_weights(),
          "positions of the text tower; at least text.max_words");
  v.field("vision_heads", c.vision_heads, within(0, 1024).of_weights(),
          "attention heads of the image tower; 0: one for every 64 channels of its width");
  v.field("text_heads", c.text_heads, within(0, 1024).of_weights(),
          "attention heads of the text tower; 0: one for every 64 channels of its width");
}

}  // namespace glint
