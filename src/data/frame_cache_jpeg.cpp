#include <turbojpeg.h>

#include <memory>
#include <new>

#include "data/frame_cache_codec.h"
#include "glint/core/error.h"
#include "glint/media/jpeg.h"

namespace glint::cache {

namespace {

struct TurboFree {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using Turbo = std::unique_ptr<void, TurboFree>;

Turbo owned(tjhandle handle) {
  if (handle == nullptr) throw std::bad_alloc();
  return Turbo(handle);
}

}  // namespace

void encode_jpeg(int quality, const Image& image, std::vector<std::uint8_t>& out) {
  if (image.width > kLargestJpegSide || image.height > kLargestJpegSide)
    throw Error("a picture of ", image.width, " x ", image.height,
                " pixels is too large for JPEG; set data.cache_codec");
  append_jpeg(quality, image, out);
}

bool decode_jpeg(std::span<const std::uint8_t> bytes, int width, int height, Image& image) {
  const auto codec = owned(tjInitDecompress());
  int stored_width = 0, stored_height = 0, sampling = 0, colours = 0;
  if (tjDecompressHeader3(codec.get(), bytes.data(), bytes.size(), &stored_width, &stored_height, &sampling,
                          &colours) != 0) {
    return false;
  }
  const bool is_ours =
      stored_width == width && stored_height == height && sampling == TJSAMP_420 && colours == TJCS_YCbCr;
  return is_ours && tjDecompress2(codec.get(), bytes.data(), bytes.size(), image.rgb.data(), width, 0, height, TJPF_RGB,
                                  TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS) == 0;
}

}  // namespace glint::cache
