#pragma once

#include <string>

#include "glint/media/image.h"

namespace glint {

// A PNG picture of any kind as 8-bit RGB (grey repeated, transparency left out). Error where it is not one.
Image read_picture(const std::string& path);

// Writes a PNG atomically. Error naming the file where it cannot be written.
void write_png(const std::string& path, const Image& image);

}  // namespace glint
