#include "glint/media/picture_file.h"

#include <cstring>

#include "glint/core/atomic_file.h"
#include "media/av.h"
#include "media/rgb_converter.h"

namespace glint {

using namespace media;

namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{512} << 20;
constexpr std::int64_t kMaxPixels = 16384LL * 16384;

AvPtr<AVPacket> packet_of(const std::string& bytes) {
  auto packet = av_owned(av_packet_alloc());
  if (av_new_packet(packet.get(), static_cast<int>(bytes.size())) < 0) throw std::bad_alloc();
  std::memcpy(packet->data, bytes.data(), bytes.size());
  return packet;
}

}  // namespace

Image read_picture(const std::string& path) {
  quiet_libav();
  const auto packet = packet_of(read_file(path, kMaxFileBytes));
  const AVCodec* decoder = avcodec_find_decoder(AV_CODEC_ID_PNG);
  if (decoder == nullptr) throw Error(path, ": this libav has no PNG decoder");
  const auto codec = av_owned(avcodec_alloc_context3(decoder));
  codec->thread_count = 1;
  codec->max_pixels = kMaxPixels;
  av_check(avcodec_open2(codec.get(), decoder, nullptr), path, "libav's PNG decoder cannot be opened");
  const auto frame = av_owned(av_frame_alloc());
  int code = avcodec_send_packet(codec.get(), packet.get());
  if (code >= 0) code = avcodec_send_packet(codec.get(), nullptr);
  if (code >= 0) code = avcodec_receive_frame(codec.get(), frame.get());
  av_check(code, path, "not a PNG picture, or a damaged one");
  return RgbConverter(path, Orientation{}).convert(*frame);
}

void write_png(const std::string& path, const Image& image) {
  GLINT_CHECK(image.width > 0 && image.height > 0, image.width, "x", image.height, " pixels");
  quiet_libav();
  const AVCodec* encoder = avcodec_find_encoder(AV_CODEC_ID_PNG);
  if (encoder == nullptr) throw Error(path, ": this libav has no PNG encoder");
  const auto codec = av_owned(avcodec_alloc_context3(encoder));
  codec->width = image.width;
  codec->height = image.height;
  codec->pix_fmt = AV_PIX_FMT_RGB24;
  codec->time_base = {1, 1};
  codec->thread_count = 1;
  av_check(avcodec_open2(codec.get(), encoder, nullptr), path, "libav's PNG encoder cannot be opened");
  const auto frame = av_owned(av_frame_alloc());
  frame->width = image.width;
  frame->height = image.height;
  frame->format = AV_PIX_FMT_RGB24;
  if (av_frame_get_buffer(frame.get(), /*align=*/0) < 0) throw std::bad_alloc();
  for (int y = 0; y < image.height; ++y) {
    const std::size_t row_bytes = static_cast<std::size_t>(image.width) * 3;
    std::memcpy(frame->data[0] + static_cast<std::ptrdiff_t>(y) * frame->linesize[0], image.row(y), row_bytes);
  }
  const auto packet = av_owned(av_packet_alloc());
  av_check(avcodec_send_frame(codec.get(), frame.get()), path, "the picture cannot be encoded");
  av_check(avcodec_send_frame(codec.get(), nullptr), path, "the picture cannot be encoded");
  av_check(avcodec_receive_packet(codec.get(), packet.get()), path, "the picture cannot be encoded");
  write_file(path, std::string(reinterpret_cast<const char*>(packet->data), packet->size));
}

}  // namespace glint
