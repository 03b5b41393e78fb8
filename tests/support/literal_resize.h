#pragma once

#include <cstdint>
#include <vector>

#include "glint/media/frame_transform.h"
#include "glint/media/image.h"

namespace glint::test {

// The judge of FrameTransform: methods 8.4 line by line and a pixel at a time; the whole
// picture is resized, then cropped. -> uint8 [3, size, size], planes R, G, B.
std::vector<std::uint8_t> literal_resize_and_crop(const Image& image, int size);

// All of the picture, both sides resized.
std::vector<std::uint8_t> literal_squash(const Image& image, int size);

// The box is cut out, resized with the triangle filter instead, and mirrored if asked.
std::vector<std::uint8_t> literal_resized_box(const Image& image, const CropBox& box, int size);

}  // namespace glint::test
