#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "glint/config/tower_config.h"
#include "glint/io/safetensors.h"
#include "glint/nn/transformer.h"

namespace glint {

enum class TowerKind { kClip, kSiglip };

// How towers were trained to see the pixels of a channel (red, green, blue): (value / 255 - mean) / stddev.
struct PixelScale {
  std::array<double, 3> mean, stddev;
};
const PixelScale& pixel_scale(TowerKind kind);

// Sizes of a pair of towers, read off their weights (weights/tower_weights.h, methods 1.1) or chosen for towers that
// start from nothing.
struct TowerSizes {
  int64_t embed_dim = 512;
  int64_t image_size = 224;
  int64_t patch_size = 32;
  int64_t vision_width = 768;
  int64_t vision_layers = 12;
  int64_t text_width = 512;
  int64_t text_layers = 12;
  int64_t context_length = 77;
  int64_t vocabulary_size = 49408;
  int64_t vision_heads = 0;   // 0: width / 64
  int64_t text_heads = 0;     // 0: width / 64
  int64_t vision_hidden = 0;  // of a block's MLP; 0: 4 times the width
  int64_t text_hidden = 0;    // of a block's MLP; 0: 4 times the width
  TowerKind kind = TowerKind::kClip;
  Activation activation = Activation::kQuickGelu;
  bool has_logit_bias = false;  // a second parameter beside logit_scale, of the sigmoid loss
};

// What `config` alone asks for: the sizes of towers that start from nothing.
TowerSizes tower_sizes(const TowerConfig& config, int64_t image_size, int64_t vocabulary_size);

// The way back: the settings that ask for towers of these sizes.
TowerConfig tower_config(const TowerSizes& sizes);

// Throws Error ("config.model.towers.KEY: VALUE WHAT") where towers of these sizes cannot be built.
void check_sizes(const TowerSizes& sizes);

// Of one block of the image tower and of the text tower.
BlockSizes vision_blocks(const TowerSizes& sizes);
BlockSizes text_blocks(const TowerSizes& sizes);

enum class TextMask { kCausal, kCausalPadding };  // CLIP4Clip family; GLSCL, DiCoSA (methods 1.4)

// What becomes of the tokens of all images where `done` blocks of the image tower lie behind: [N, 1+P, W] ->
// [N', 1+P', W]. Called before every block, `done` 0, 1, ...
using BetweenBlocks = std::function<torch::Tensor(int64_t done, const torch::Tensor& tokens)>;

// An image tower and a text tower into one space of D dimensions. N images of R x R pixels; A texts, L tokens.
class Towers : public torch::nn::Module {
 public:
  explicit Towers(const TowerSizes& sizes) : sizes_(sizes) {}

  // uint8 [..., 3, R, R] -> float, as these towers were trained to see pixels.
  virtual torch::Tensor normalise(const torch::Tensor& frames) const = 0;

  // `pixels`: [N, 3, R, R], float and normalised -> [N, D]
  virtual torch::Tensor encode_image(const torch::Tensor& pixels, const BetweenBlocks& between = {}) = 0;

  // `ids`, `mask`: int64 [A, L], L <= context_length -> every token [A, L, D], and the text's feature [A, D].
  virtual std::pair<torch::Tensor, torch::Tensor> encode_text(const torch::Tensor& ids, const torch::Tensor& mask,
                                                              TextMask style) = 0;

  const TowerSizes& sizes() const { return sizes_; }
  torch::Tensor logit_scale;  // scalar parameter, log of the multiplier
  torch::Tensor logit_bias;   // scalar parameter added to the scaled scores; undefined without has_logit_bias

 private:
  TowerSizes sizes_;
};

// Throws Error naming the key of config.model.towers that cannot be built.
std::shared_ptr<Towers> make_towers(const TowerSizes& sizes);

}  // namespace glint
