#pragma once

#include <filesystem>

namespace glint::test {

// Writes a raw YUV4MPEG2 file of grey pictures, 8 x 6 pixels: frame i has the luma `first + i`.
void write_tiny_video(const std::filesystem::path& path, int frames, int fps, int first = 50);

}  // namespace glint::test
