#pragma once

#include <memory>
#include <utility>

#include "glint/model/towers.h"

namespace glint {

// CLIP's towers, parameters under OpenAI's names (methods 1.6). They start as OpenAI's initialize_parameters() does.
class ClipModel final : public Towers {
 public:
  explicit ClipModel(const TowerSizes& sizes);
  ~ClipModel() override;

  torch::Tensor normalise(const torch::Tensor& frames) const override;

  // `pixels`: [N, 3, R, R], float and normalised -> every token [N, 1+g*g, D]; token 0 is the image's
  // feature.
  torch::Tensor encode_image_tokens(const torch::Tensor& pixels, const BetweenBlocks& between = {});
  // -> [N, D], computes the last block for token 0 alone.
  torch::Tensor encode_image(const torch::Tensor& pixels, const BetweenBlocks& between = {}) override;

  // The text's feature is that of the end token: the first of the largest ids in a row. A row's first token is always
  // seen, whatever its mask.
  std::pair<torch::Tensor, torch::Tensor> encode_text(const torch::Tensor& ids, const torch::Tensor& mask,
                                                      TextMask style) override;

 private:
  struct Parts;
  std::shared_ptr<Parts> parts_;
};

// uint8 [..., 3, R, R] -> float, ((x / 255) - mean) / std with CLIP's constants (methods 8.4).
torch::Tensor normalise_pixels(const torch::Tensor& frames);

}  // namespace glint
