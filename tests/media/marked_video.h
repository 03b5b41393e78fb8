#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "glint/media/image.h"
#include "glint/media/video_writer.h"

namespace glint::test {

// A picture whose colour tells its number, [0, 60), however it was compressed; and the number back.
Image numbered_picture(int number, int width, int height);
int number_of(const Image& image);

// `count` frames with the numbers from `first` on, 25 a second from 0 s.
void write_numbered(const std::filesystem::path& path, int first, int count, VideoWriterOptions options = {});

// The packets of `from` in another container, whose muxer gets `settings`; times as they are.
void remux(const std::filesystem::path& from, const std::filesystem::path& to,
           const std::map<std::string, std::string>& settings = {});

}  // namespace glint::test
