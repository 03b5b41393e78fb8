#include "media/marked_video.h"

#include <algorithm>
#include <cmath>

#include "glint/core/error.h"

namespace glint::test {

using namespace media;

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

AvPtr<AVFormatContext> open_video(const std::filesystem::path& path) {
  quiet_libav();
  AVFormatContext* raw = nullptr;
  GLINT_CHECK(avformat_open_input(&raw, path.c_str(), nullptr, nullptr) >= 0, path.string());
  AvPtr<AVFormatContext> file(raw);
  GLINT_CHECK(avformat_find_stream_info(raw, nullptr) >= 0, path.string());
  return file;
}

void remux(const std::filesystem::path& from, const std::filesystem::path& to,
           const std::map<std::string, std::string>& settings, double shift_s,
           const std::function<void(Packets&)>& edit) {
  const auto in = open_video(from);
  AVFormatContext* raw = nullptr;
  GLINT_CHECK(avformat_alloc_output_context2(&raw, nullptr, nullptr, to.c_str()) >= 0, to.string());
  const AvOutput out(raw);
  const AVRational tick = in->streams[0]->time_base;
  AVStream* stream = avformat_new_stream(raw, nullptr);
  avcodec_parameters_copy(stream->codecpar, in->streams[0]->codecpar);
  stream->codecpar->codec_tag = 0;
  stream->time_base = tick;
  stream->avg_frame_rate = in->streams[0]->avg_frame_rate;
  GLINT_CHECK(avio_open(&out->pb, to.c_str(), AVIO_FLAG_WRITE) >= 0, to.string());
  AVDictionary* options = nullptr;
  for (const auto& [name, value] : settings) av_dict_set(&options, name.c_str(), value.c_str(), 0);
  const int result = avformat_write_header(raw, &options);
  av_dict_free(&options);
  GLINT_CHECK(result >= 0, to.string());
  Packets packets(1);
  packets.back() = av_owned(av_packet_alloc());
  while (av_read_frame(in.get(), packets.back().get()) >= 0) packets.push_back(av_owned(av_packet_alloc()));
  packets.pop_back();
  if (edit) edit(packets);
  const auto shift = std::llround(shift_s / av_q2d(tick));
  for (const auto& packet : packets) {
    packet->stream_index = 0;
    packet->pos = -1;
    if (packet->pts != AV_NOPTS_VALUE) packet->pts += shift;
    if (packet->dts != AV_NOPTS_VALUE) packet->dts += shift;
    av_packet_rescale_ts(packet.get(), tick, stream->time_base);
    GLINT_CHECK(av_interleaved_write_frame(raw, packet.get()) >= 0, to.string());
  }
  GLINT_CHECK(av_write_trailer(raw) >= 0, to.string());
}

}  // namespace glint::test
