#pragma once

#include <string>

#include "glint/media/image.h"

namespace glint {

// PNG through libav's own codec.
Image read_picture(const std::string& path);
void write_png(const std::string& path, const Image& image);

}  // namespace glint
