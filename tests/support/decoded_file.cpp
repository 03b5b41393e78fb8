#include "support/decoded_file.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>

#include "glint/core/error.h"
#include "media/av.h"

extern "C" {
#include <libavutil/display.h>
}

namespace glint::test {

using namespace media;

namespace {

AvPtr<AVCodecContext> open_decoder(const AVStream* stream) {
  const AVCodec* codec = avcodec_find_decoder(stream->codecpar->codec_id);
  GLINT_CHECK(codec != nullptr, "no decoder for stream ", stream->index);
  AvPtr<AVCodecContext> decoder(avcodec_alloc_context3(codec));
  avcodec_parameters_to_context(decoder.get(), stream->codecpar);
  decoder->pkt_timebase = stream->time_base;
  decoder->thread_count = 1;
  GLINT_CHECK(avcodec_open2(decoder.get(), codec, nullptr) == 0, "stream ", stream->index);
  return decoder;
}

Image to_rgb(const AVFrame& frame) {
  Image image(frame.width, frame.height);
  AvPtr<SwsContext> converter(sws_getContext(frame.width, frame.height, static_cast<AVPixelFormat>(frame.format),
                                             frame.width, frame.height, AV_PIX_FMT_RGB24, SWS_BICUBIC, nullptr, nullptr,
                                             nullptr));
  AvPtr<AVFrame> rgb(av_frame_alloc());  // swscale writes past the last pixel: it gets rows with room behind them
  rgb->format = AV_PIX_FMT_RGB24;
  rgb->width = frame.width;
  rgb->height = frame.height;
  GLINT_CHECK(av_frame_get_buffer(rgb.get(), 0) >= 0, "out of memory");
  sws_scale(converter.get(), frame.data, frame.linesize, 0, frame.height, rgb->data, rgb->linesize);
  for (int y = 0; y < frame.height; ++y) {
    std::copy_n(rgb->data[0] + std::ptrdiff_t{y} * rgb->linesize[0], std::size_t{3} * frame.width, image.row(y));
  }
  return image;
}

double loudest(const AVFrame& frame) {
  double level = 0;
  for (int i = 0; i < frame.nb_samples; ++i) {
    const bool is_float = frame.format == AV_SAMPLE_FMT_FLTP || frame.format == AV_SAMPLE_FMT_FLT;
    const double sample = is_float ? reinterpret_cast<const float*>(frame.data[0])[i]
                                   : reinterpret_cast<const std::int16_t*>(frame.data[0])[i] / 32768.0;
    level = std::max(level, std::abs(sample));
  }
  return level;
}

// The stream's display matrix travels with its frames.
int rotation_of(const AVFrame& frame) {
  const AVFrameSideData* side = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX);
  if (side == nullptr) return 0;
  const double clockwise = -av_display_rotation_get(reinterpret_cast<const std::int32_t*>(side->data));
  return (static_cast<int>(std::lround(clockwise)) + 360) % 360;
}

std::int64_t duration_of(const AVFrame& frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
  return frame.duration;
#else
  return frame.pkt_duration;
#endif
}

void take(DecodedFile& file, const AVFrame& frame, const AVStream& stream) {
  if (stream.codecpar->codec_type == AVMEDIA_TYPE_AUDIO) {
    file.audio_s += static_cast<double>(frame.nb_samples) / frame.sample_rate;
    file.audio_level = std::max(file.audio_level, loudest(frame));
    return;
  }
  if (file.frames.empty()) {
    file.rotation = rotation_of(frame);
    file.average_fps = av_q2d(stream.avg_frame_rate);
  }
  file.has_b_frames |= frame.pict_type == AV_PICTURE_TYPE_B;
  file.times_s.push_back(static_cast<double>(frame.best_effort_timestamp) * av_q2d(stream.time_base));
  file.end_s = file.times_s.back() + static_cast<double>(duration_of(frame)) * av_q2d(stream.time_base);
  file.frames.push_back(to_rgb(frame));
}

}  // namespace

DecodedFile decode_file(const std::filesystem::path& path) {
  AVFormatContext* raw = nullptr;
  if (avformat_open_input(&raw, path.c_str(), nullptr, nullptr) != 0) throw Error(path.string(), ": cannot be opened");
  AvPtr<AVFormatContext> format(raw);
#if LIBAVFORMAT_VERSION_INT < AV_VERSION_INT(60, 15, 100)
  av_format_inject_global_side_data(format.get());  // later versions hand the display matrix on by themselves
#endif
  GLINT_CHECK(avformat_find_stream_info(format.get(), nullptr) >= 0, path.string());
  DecodedFile file;
  file.container = format->iformat->name;
  std::vector<AvPtr<AVCodecContext>> decoders;
  for (unsigned i = 0; i < format->nb_streams; ++i) {
    const AVStream* stream = format->streams[i];
    auto& name = stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO ? file.audio_codec : file.video_codec;
    name = avcodec_get_name(stream->codecpar->codec_id);
    decoders.push_back(open_decoder(stream));
  }
  AvPtr<AVFrame> frame(av_frame_alloc());
  const auto drain = [&](std::size_t i, const AVPacket* packet) {
    GLINT_CHECK(avcodec_send_packet(decoders[i].get(), packet) >= 0, path.string());
    while (avcodec_receive_frame(decoders[i].get(), frame.get()) >= 0) take(file, *frame, *format->streams[i]);
  };
  AvPtr<AVPacket> packet(av_packet_alloc());
  while (av_read_frame(format.get(), packet.get()) >= 0) {
    drain(static_cast<std::size_t>(packet->stream_index), packet.get());
    av_packet_unref(packet.get());
  }
  for (std::size_t i = 0; i < decoders.size(); ++i) drain(i, nullptr);
  return file;
}

}  // namespace glint::test
