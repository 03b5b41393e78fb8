#include "glint/model/towers.h"

#include "glint/model/clip.h"
#include "model/siglip.h"

namespace glint {

const PixelScale& pixel_scale(TowerKind kind) {
  static constexpr PixelScale kClip = {{0.48145466, 0.4578275, 0.40821073}, {0.26862954, 0.26130258, 0.27577711}};
  static constexpr PixelScale kSiglip = {{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}};
  return kind == TowerKind::kClip ? kClip : kSiglip;
}

std::shared_ptr<Towers> make_towers(const TowerSizes& sizes) {
  if (sizes.kind == TowerKind::kSiglip) return std::make_shared<SiglipModel>(sizes);
  return std::make_shared<ClipModel>(sizes);
}

}  // namespace glint
