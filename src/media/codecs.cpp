#include "glint/media/codecs.h"

extern "C" {
#include <libswresample/swresample.h>
}

#include "media/av.h"

namespace glint {

namespace {

std::string version_text(const char* name, unsigned version) {
  return concat(name, " ", AV_VERSION_MAJOR(version), ".", AV_VERSION_MINOR(version), ".", AV_VERSION_MICRO(version));
}

}  // namespace

std::vector<std::string> libav_versions() {
  return {version_text("libavformat", avformat_version()), version_text("libavcodec", avcodec_version()),
          version_text("libavutil", avutil_version()), version_text("libswscale", swscale_version()),
          version_text("libswresample", swresample_version())};
}

std::string decoder_of(const std::string& codec) {
  const AVCodecDescriptor* descriptor = avcodec_descriptor_get_by_name(codec.c_str());
  if (descriptor == nullptr) return {};
  const AVCodec* decoder = avcodec_find_decoder(descriptor->id);
  if (decoder == nullptr) return {};
  const std::string name = decoder->name;
  return name == "av1" ? std::string() : name;  // libav's own for AV1 only hands the work to a GPU
}

}  // namespace glint
