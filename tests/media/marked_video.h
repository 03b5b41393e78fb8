#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "glint/media/image.h"
#include "glint/media/video_writer.h"
#include "media/av.h"

namespace glint::test {

// A picture whose colour tells its number, [0, 60), however it was compressed; and the number back.
Image numbered_picture(int number, int width, int height);
int number_of(const Image& image);

// `count` frames with the numbers from `first` on, 25 a second from 0 s.
void write_numbered(const std::filesystem::path& path, int first, int count, VideoWriterOptions options = {});

media::AvPtr<AVFormatContext> open_video(const std::filesystem::path& path);

using Packets = std::vector<media::AvPtr<AVPacket>>;

// The packets of `from`'s first stream in another container, whose muxer gets `settings`; their times moved by
// `shift_s`, themselves changed by `edit`, all at once.
void remux(const std::filesystem::path& from, const std::filesystem::path& to,
           const std::map<std::string, std::string>& settings = {}, double shift_s = 0,
           const std::function<void(Packets&)>& edit = {});

}  // namespace glint::test
