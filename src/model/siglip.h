#pragma once

#include <memory>
#include <utility>

#include "glint/model/towers.h"

namespace glint {

// SigLIP's towers (Zhai et al., Sigmoid Loss for Language Image Pre-Training, ICCV 2023), as Hugging Face's
// SiglipModel computes them: no class token, an attention that pools the image's tokens, texts seen whole and padded,
// whose last position is their feature. Parameters under OpenAI's names where they have a counterpart there.
class SiglipModel final : public Towers {
 public:
  explicit SiglipModel(const TowerSizes& sizes);
  ~SiglipModel() override;

  torch::Tensor normalise(const torch::Tensor& frames) const override;
  torch::Tensor encode_image(const torch::Tensor& pixels, const BetweenBlocks& between = {}) override;
  // Neither the mask nor its style is seen: SigLIP reads the padding too.
  std::pair<torch::Tensor, torch::Tensor> encode_text(const torch::Tensor& ids, const torch::Tensor& mask,
                                                      TextMask style) override;

 private:
  struct Parts;
  std::shared_ptr<Parts> parts_;
};

}  // namespace glint
