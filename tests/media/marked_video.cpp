#include "media/marked_video.h"

extern "C" {
#include <libavformat/avformat.h>
}

#include <algorithm>

#include "glint/core/error.h"

namespace glint::test {

Image numbered_picture(int number, int width, int height) {
  Image image(width, height);
  const auto level = [](int digit) { return static_cast<std::uint8_t>(40 + digit * 55); };
  for (std::size_t i = 0; i < image.rgb.size(); i += 3) {
    image.rgb[i] = level(number / 16 % 4);
    image.rgb[i + 1] = level(number / 4 % 4);
    image.rgb[i + 2] = level(number % 4);
  }
  return image;
}

int number_of(const Image& image) {
  const std::uint8_t* pixel = image.row(image.height / 2) + (image.width / 2) * 3;
  const auto digit = [](int level) { return std::clamp((level - 40 + 27) / 55, 0, 3); };
  return digit(pixel[0]) * 16 + digit(pixel[1]) * 4 + digit(pixel[2]);
}

void write_numbered(const std::filesystem::path& path, int first, int count, VideoWriterOptions options) {
  options.width = 64;
  options.height = 48;
  options.crf = 10;
  VideoWriter writer(path.string(), options);
  for (int i = 0; i < count; ++i) writer.add(numbered_picture(first + i, options.width, options.height), i);
  writer.finish();
}

void remux(const std::filesystem::path& from, const std::filesystem::path& to,
           const std::map<std::string, std::string>& settings) {
  AVFormatContext *in = nullptr, *out = nullptr;
  GLINT_CHECK(avformat_open_input(&in, from.c_str(), nullptr, nullptr) >= 0, from.string());
  GLINT_CHECK(avformat_find_stream_info(in, nullptr) >= 0, from.string());
  GLINT_CHECK(avformat_alloc_output_context2(&out, nullptr, nullptr, to.c_str()) >= 0, to.string());
  AVStream* stream = avformat_new_stream(out, nullptr);
  avcodec_parameters_copy(stream->codecpar, in->streams[0]->codecpar);
  stream->codecpar->codec_tag = 0;
  stream->time_base = in->streams[0]->time_base;
  GLINT_CHECK(avio_open(&out->pb, to.c_str(), AVIO_FLAG_WRITE) >= 0, to.string());
  AVDictionary* options = nullptr;
  for (const auto& [name, value] : settings) av_dict_set(&options, name.c_str(), value.c_str(), 0);
  GLINT_CHECK(avformat_write_header(out, &options) >= 0, to.string());
  av_dict_free(&options);
  AVPacket* packet = av_packet_alloc();
  while (av_read_frame(in, packet) >= 0) {
    av_packet_rescale_ts(packet, in->streams[0]->time_base, stream->time_base);
    packet->pos = -1;
    GLINT_CHECK(av_interleaved_write_frame(out, packet) >= 0, to.string());
  }
  av_packet_free(&packet);
  av_write_trailer(out);
  avio_closep(&out->pb);
  avformat_free_context(out);
  avformat_close_input(&in);
}

}  // namespace glint::test
