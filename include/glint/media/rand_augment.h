#pragma once

#include <memory>
#include <vector>

#include "glint/core/random.h"
#include "glint/media/image.h"

namespace glint {

// RandAugment as the training loaders of GLSCL have it (rand-m7-n4-mstd0.5-inc1), equal to Pillow in every byte (golden
// randaugment; methods 8.5). One draw serves all frames of a clip, before resize and crop.
enum class AugmentOp {
  kAutoContrast,
  kEqualize,
  kInvert,
  kRotate,
  kPosterize,
  kSolarize,
  kSolarizeAdd,
  kColor,
  kContrast,
  kBrightness,
  kSharpness,
  kShearX,
  kShearY,
  kTranslateX,
  kTranslateY
};
constexpr int kAugmentOps = 15;

struct AugmentStep {
  AugmentOp op = AugmentOp::kInvert;
  double level = 0;  // strength, [0, 10]; kAutoContrast, kEqualize and kInvert have none
  int sign = 1;      // 1 or -1; counts where an operation goes two ways: all from kColor on, and kRotate
};

// What a level means: degrees counter-clockwise (kRotate), bits kept (kPosterize), threshold (kSolarize), what is added
// (kSolarizeAdd), factor (kColor to kSharpness; 1 changes nothing), slope (shears), share of the side (translations);
// 0 for the operations without a level.
double augment_argument(const AugmentStep& step);

// Four operations drawn with replacement, each left out with probability 1/2; levels normal(7, 0.5) held in [0, 10].
std::vector<AugmentStep> draw_rand_augment(Random& random);

// Keeps its buffers between frames. Not thread-safe.
class RandAugment {
 public:
  RandAugment();
  ~RandAugment();
  RandAugment(RandAugment&&) noexcept;
  RandAugment& operator=(RandAugment&&) noexcept;

  // The picture after all steps, of the same size: `image` itself where there are none, else one that lives here until
  // the next call.
  const Image& apply(const Image& image, const std::vector<AugmentStep>& steps);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace glint
