#include "data/frame_cache_codec.h"

#include <algorithm>
#include <cstring>

#include "glint/core/error.h"

namespace glint::cache {

namespace {

// Weights of JFIF's conversion in 1/65536.
constexpr int kHalf = 1 << 15;

std::uint8_t clamped(int value) {
  return static_cast<std::uint8_t>(std::clamp(value, 0, 255));
}

std::size_t half(int side) {
  return static_cast<std::size_t>(side + 1) / 2;
}

// The colour of the up to four pixels that share one, from their mean.
void encode_colour(const Image& image, int x, int y, std::uint8_t& cb, std::uint8_t& cr) {
  int r = 0, g = 0, b = 0;
  for (const int row : {y, std::min(y + 1, image.height - 1)}) {
    for (const int column : {x, std::min(x + 1, image.width - 1)}) {
      const std::uint8_t* pixel = image.row(row) + 3 * column;
      r += pixel[0];
      g += pixel[1];
      b += pixel[2];
    }
  }
  cb = clamped(((-11059 * r - 21709 * g + 32768 * b + 4 * kHalf) >> 18) + 128);
  cr = clamped(((32768 * r - 27439 * g - 5329 * b + 4 * kHalf) >> 18) + 128);
}

void encode_yuv420(const Image& image, std::vector<std::uint8_t>& out) {
  const auto width = static_cast<std::size_t>(image.width), height = static_cast<std::size_t>(image.height);
  const std::size_t colours = half(image.width) * half(image.height);
  const std::size_t begin = out.size();
  out.resize(begin + width * height + 2 * colours);
  std::uint8_t* luma = out.data() + begin;
  std::uint8_t* cb = luma + width * height;
  std::uint8_t* cr = cb + colours;
  const std::uint8_t* rgb = image.rgb.data();
  for (std::size_t i = 0; i < width * height; ++i, rgb += 3) {
    luma[i] = static_cast<std::uint8_t>((19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + kHalf) >> 16);
  }
  for (int y = 0; y < image.height; y += 2) {
    for (int x = 0; x < image.width; x += 2) encode_colour(image, x, y, *cb++, *cr++);
  }
}

// -> red, green and blue of each pixel, `Step` bytes from one pixel to the next: 3 of a picture, 1 of planes.
template <std::size_t Step>
bool decode_yuv420(std::span<const std::uint8_t> bytes, int w, int h, std::uint8_t* r, std::uint8_t* g,
                   std::uint8_t* b) {
  const auto width = static_cast<std::size_t>(w), height = static_cast<std::size_t>(h);
  const std::size_t colours = half(w) * half(h);
  if (bytes.size() != width * height + 2 * colours) return false;
  std::vector<std::int16_t> red(width + 1), green(width + 1), blue(width + 1);  // added to the luma, two rows alike
  for (std::size_t y = 0; y < height; ++y) {
    if (y % 2 == 0) {
      const std::uint8_t* cb = bytes.data() + width * height + y / 2 * half(w);
      const std::uint8_t* cr = cb + colours;
      for (std::size_t x = 0; x < half(w); ++x) {
        const int blueness = cb[x] - 128, redness = cr[x] - 128;
        red[2 * x] = red[2 * x + 1] = static_cast<std::int16_t>((91881 * redness + kHalf) >> 16);
        green[2 * x] = green[2 * x + 1] =
            static_cast<std::int16_t>((-22554 * blueness - 46802 * redness + kHalf) >> 16);
        blue[2 * x] = blue[2 * x + 1] = static_cast<std::int16_t>((116130 * blueness + kHalf) >> 16);
      }
    }
    const std::uint8_t* luma = bytes.data() + y * width;
    const std::size_t begin = Step * y * width;
    for (std::size_t x = 0; x < width; ++x) r[begin + Step * x] = clamped(luma[x] + red[x]);
    for (std::size_t x = 0; x < width; ++x) g[begin + Step * x] = clamped(luma[x] + green[x]);
    for (std::size_t x = 0; x < width; ++x) b[begin + Step * x] = clamped(luma[x] + blue[x]);
  }
  return true;
}

}  // namespace

Codec codec_of(const std::string& name) {
  if (name == "raw") return Codec::kRaw;
  if (name == "yuv420") return Codec::kYuv420;
  GLINT_CHECK(name == "jpeg", "codec ", name);
  return Codec::kJpeg;
}

void encode_picture(Codec codec, int quality, const Image& image, std::vector<std::uint8_t>& out) {
  GLINT_CHECK(image.width > 0 && image.height > 0, image.width, " x ", image.height);
  switch (codec) {
    case Codec::kRaw:
      out.insert(out.end(), image.rgb.begin(), image.rgb.end());
      break;
    case Codec::kYuv420:
      encode_yuv420(image, out);
      break;
    case Codec::kJpeg:
      encode_jpeg(quality, image, out);
      break;
  }
}

bool decode_picture(Codec codec, std::span<const std::uint8_t> bytes, int width, int height, Image& image) {
  constexpr int kMaxSide = 1 << 16;
  if (width <= 0 || height <= 0 || width > kMaxSide || height > kMaxSide) return false;
  // Before memory is asked for: raw and yuv420 have as many bytes as pixels at least, JPEG a bit for each 64.
  const auto pixels = static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(height);
  if (pixels / 512 > bytes.size()) return false;
  image.width = width;
  image.height = height;
  image.rgb.resize(pixels * 3);
  std::uint8_t* rgb = image.rgb.data();
  if (codec == Codec::kYuv420) return decode_yuv420<3>(bytes, width, height, rgb, rgb + 1, rgb + 2);
  if (codec == Codec::kJpeg) return decode_jpeg(bytes, width, height, image);
  if (bytes.size() != image.rgb.size()) return false;
  std::memcpy(image.rgb.data(), bytes.data(), bytes.size());
  return true;
}

bool decode_frame(Codec codec, std::span<const std::uint8_t> bytes, int side, std::uint8_t* planes, Image& scratch) {
  const auto pixels = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  if (codec == Codec::kYuv420) {
    return decode_yuv420<1>(bytes, side, side, planes, planes + pixels, planes + 2 * pixels);
  }
  if (!decode_picture(codec, bytes, side, side, scratch)) return false;
  picture_to_planes(scratch, planes);
  return true;
}

void picture_to_planes(const Image& picture, std::uint8_t* planes) {
  const std::size_t pixels = picture.rgb.size() / 3;
  const std::uint8_t* rgb = picture.rgb.data();
  for (std::size_t i = 0; i < pixels; ++i, rgb += 3) {
    planes[i] = rgb[0];
    planes[pixels + i] = rgb[1];
    planes[2 * pixels + i] = rgb[2];
  }
}

void planes_to_picture(const std::uint8_t* planes, int side, Image& picture) {
  const auto pixels = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  picture.width = picture.height = side;
  picture.rgb.resize(3 * pixels);
  std::uint8_t* rgb = picture.rgb.data();
  for (std::size_t i = 0; i < pixels; ++i, rgb += 3) {
    rgb[0] = planes[i];
    rgb[1] = planes[pixels + i];
    rgb[2] = planes[2 * pixels + i];
  }
}

}  // namespace glint::cache
