#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "glint/media/image.h"

namespace glint::cache {

// How a picture of a cached clip is kept (data.cache_codec).
enum class Codec {
  kRaw,     // rows of RGB
  kYuv420,  // three planes: Y, then Cb and Cr of half the width and height (rounded up); full range, BT.601 as in JPEG
  kJpeg     // 4:2:0, of data.cache_quality
};

Codec codec_of(const std::string& name);  // "raw", "yuv420", "jpeg"

// Appends the picture's bytes to `out`.
void encode_picture(Codec codec, int quality, const Image& image, std::vector<std::uint8_t>& out);

// -> `image`, `width` x `height` pixels. False where the bytes are not such a picture.
bool decode_picture(Codec codec, std::span<const std::uint8_t> bytes, int width, int height, Image& image);

// A frame that was encoded as a picture -> its planes R, G, B, uint8 [3, side, side].
bool decode_frame(Codec codec, std::span<const std::uint8_t> bytes, int side, std::uint8_t* planes, Image& scratch);

// Rows of RGB -> planes R, G, B, as the towers take them; and back.
void picture_to_planes(const Image& picture, std::uint8_t* planes);
void planes_to_picture(const std::uint8_t* planes, int side, Image& picture);

// jpeg alone; frame_cache_jpeg.cpp.
void encode_jpeg(int quality, const Image& image, std::vector<std::uint8_t>& out);
bool decode_jpeg(std::span<const std::uint8_t> bytes, int width, int height, Image& image);

}  // namespace glint::cache
