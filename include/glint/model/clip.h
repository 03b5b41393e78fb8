#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "glint/io/safetensors.h"

namespace glint {

// Sizes of a CLIP model, read off its weights (methods 1.1) or chosen for one that starts from nothing.
struct ClipSizes {
  int64_t embed_dim = 512;
  int64_t image_size = 224;
  int64_t patch_size = 32;
  int64_t vision_width = 768;
  int64_t vision_layers = 12;
  int64_t text_width = 512;
  int64_t text_layers = 12;
  int64_t context_length = 77;
  int64_t vocabulary_size = 49408;
};

// From a state dict with OpenAI's names, bare or behind "clip.". Throws Error naming what is missing or does not fit.
ClipSizes clip_sizes(const TensorMap& weights);

enum class TextMask { kCausal, kCausalPadding };  // CLIP4Clip family; GLSCL, DiCoSA (methods 1.4)

// What becomes of the tokens of all images where `done` blocks of the image tower lie behind: [N, 1+P, W] ->
// [N', 1+P', W]. Called before every block, `done` 0, 1, ...
using BetweenBlocks = std::function<torch::Tensor(int64_t done, const torch::Tensor& tokens)>;

// Both towers, parameters under OpenAI's names (methods 1.6). Starts as OpenAI's initialize_parameters() does.
// Throws Error naming the key of config.model.towers that cannot be built.
class ClipModel final : public torch::nn::Module {
 public:
  explicit ClipModel(const ClipSizes& sizes);
  ~ClipModel() override;

  // `pixels`: [N, 3, R, R], float and normalised -> every token [N, 1+g*g, D]; token 0 is the image's
  // feature.
  torch::Tensor encode_image_tokens(const torch::Tensor& pixels, const BetweenBlocks& between = {});
  // -> [N, D], computes the last block for token 0 alone.
  torch::Tensor encode_image(const torch::Tensor& pixels, const BetweenBlocks& between = {});

  // `ids`, `mask`: int64 [A, L], L <= context_length -> every token [A, L, D], and the end token's feature [A, D]: the
  // first of the largest ids in a row. A row's first token is always seen, whatever its mask.
  std::pair<torch::Tensor, torch::Tensor> encode_text(const torch::Tensor& ids, const torch::Tensor& mask,
                                                      TextMask style);

  const ClipSizes& sizes() const { return sizes_; }
  torch::Tensor logit_scale;  // scalar parameter, log of the multiplier

 private:
  struct Towers;
  ClipSizes sizes_;
  std::shared_ptr<Towers> towers_;
};

// uint8 [..., 3, R, R] -> float, ((x / 255) - mean) / std with CLIP's constants (methods 8.4).
torch::Tensor normalise_pixels(const torch::Tensor& frames);

}  // namespace glint
