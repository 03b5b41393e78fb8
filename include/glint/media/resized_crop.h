#pragma once

#include "glint/core/random.h"
#include "glint/media/frame_transform.h"

namespace glint {

// X-Pool's training view of a clip, one draw for all its frames: torchvision's RandomResizedCrop with scale (0.5, 1)
// and ratio (3/4, 4/3), and the mirror image with probability 1/2. A box inside width x height pixels.
CropBox draw_resized_crop(Random& random, int width, int height);

}  // namespace glint
