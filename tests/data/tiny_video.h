#pragma once

#include <cstdint>
#include <filesystem>

namespace glint::test {

// Writes a raw YUV4MPEG2 file of grey pictures, 8 x 6 pixels: frame i has the luma `first + i`.
void write_tiny_video(const std::filesystem::path& path, int frames, int fps, int first = 50);

// The same for frames that all show one coloured picture of random pixels, made from `seed`.
void write_still_video(const std::filesystem::path& path, int frames, int width, int height, std::uint64_t seed);

}  // namespace glint::test
