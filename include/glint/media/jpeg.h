#pragma once

#include <cstdint>
#include <vector>

#include "glint/media/image.h"

namespace glint {

constexpr int kLargestJpegSide = 65500;  // pixels

// Appends the picture as a JPEG file: quality 1 to 100, colours of half the width and height. Neither side may be
// longer than kLargestJpegSide.
void append_jpeg(int quality, const Image& image, std::vector<std::uint8_t>& out);

}  // namespace glint
