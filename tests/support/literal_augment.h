#pragma once

#include "glint/media/image.h"
#include "glint/media/rand_augment.h"

namespace glint::test {

// The judge of RandAugment: methods 8.5 line by line and a value at a time. `argument` as
// augment_argument() gives it.
Image literal_augment(const Image& image, AugmentOp op, double argument);

}  // namespace glint::test
