#include "glint/media/jpeg.h"

#include <turbojpeg.h>

#include <memory>
#include <new>

#include "glint/core/error.h"

namespace glint {
namespace {

struct JpegFree {
  void operator()(void* handle) const { tjDestroy(handle); }
  void operator()(unsigned char* bytes) const { tjFree(bytes); }
};

}  // namespace

void append_jpeg(int quality, const Image& image, std::vector<std::uint8_t>& out) {
  GLINT_CHECK(image.width <= kLargestJpegSide && image.height <= kLargestJpegSide, image.width, " x ", image.height);
  const std::unique_ptr<void, JpegFree> codec(tjInitCompress());
  if (codec == nullptr) throw std::bad_alloc();
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const int code = tjCompress2(codec.get(), image.rgb.data(), image.width, 0, image.height, TJPF_RGB, &bytes, &size,
                               TJSAMP_420, quality, TJFLAG_ACCURATEDCT);
  const std::unique_ptr<unsigned char, JpegFree> owner(bytes);
  if (code != 0) throw std::bad_alloc();  // the only thing left to fail
  out.insert(out.end(), bytes, bytes + size);
}

}  // namespace glint
