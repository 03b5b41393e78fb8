#pragma once

#include <cstdint>
#include <vector>

#include "glint/media/image.h"

namespace glint::test {

// The judge of FrameTransform: golden/README_preprocess.md, section 1, line by line and a pixel at a time; the whole
// picture is resized, then cropped. -> uint8 [3, size, size], planes R, G, B.
std::vector<std::uint8_t> literal_resize_and_crop(const Image& image, int size);

}  // namespace glint::test
