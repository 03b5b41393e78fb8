#pragma once

#include "glint/model/clip.h"

namespace glint::test {

// CLIP towers of a few thousand weights; sizes that could be mixed up are unequal.
inline TowerSizes small_clip_sizes() {
  return {.embed_dim = 40,
          .image_size = 24,
          .patch_size = 8,
          .vision_width = 64,
          .vision_layers = 3,
          .text_width = 128,
          .text_layers = 2,
          .context_length = 13,
          .vocabulary_size = 30};
}

// SigLIP towers of about that size.
inline TowerSizes small_siglip_sizes() {
  auto sizes = small_clip_sizes();
  sizes.kind = TowerKind::kSiglip;
  sizes.activation = Activation::kGeluTanh;
  sizes.embed_dim = sizes.vision_width;
  sizes.vision_heads = 4;
  sizes.text_hidden = 100;
  sizes.has_logit_bias = true;
  return sizes;
}

}  // namespace glint::test
