#include "glint/model/towers.h"

#include "glint/model/clip.h"
#include "model/siglip.h"

namespace glint {

std::shared_ptr<Towers> make_towers(const TowerSizes& sizes) {
  if (sizes.kind == TowerKind::kSiglip) return std::make_shared<SiglipModel>(sizes);
  return std::make_shared<ClipModel>(sizes);
}

}  // namespace glint
