#include "media/plain_decoder.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
}

#include <cstring>

#include "glint/core/error.h"
#include "glint/core/hash.h"

namespace glint::test {

namespace {

std::uint64_t rgb_hash(const AVFrame& frame) {
  const int w = frame.width, h = frame.height;
  SwsContext* scaler = sws_getContext(w, h, static_cast<AVPixelFormat>(frame.format), w, h, AV_PIX_FMT_RGB24,
                                      SWS_BICUBIC, nullptr, nullptr, nullptr);
  int *in_table = nullptr, *out_table = nullptr, in_range = 0, out_range = 0, a = 0, b = 0, c = 0;
  sws_getColorspaceDetails(scaler, &in_table, &in_range, &out_table, &out_range, &a, &b, &c);
  sws_setColorspaceDetails(scaler, sws_getCoefficients(frame.colorspace),
                           in_range != 0 || frame.color_range == AVCOL_RANGE_JPEG, out_table, out_range, a, b, c);
  const int stride = (w * 3 + 127) / 64 * 64;
  std::vector<std::uint8_t> padded(static_cast<std::size_t>(stride) * h + 64),
      tight(static_cast<std::size_t>(w) * 3 * h);
  std::uint8_t* planes[4] = {padded.data(), nullptr, nullptr, nullptr};
  const int strides[4] = {stride, 0, 0, 0};
  sws_scale(scaler, frame.data, frame.linesize, 0, h, planes, strides);
  sws_freeContext(scaler);
  for (int y = 0; y < h; ++y) {
    std::memcpy(tight.data() + static_cast<std::size_t>(y) * w * 3,
                padded.data() + static_cast<std::size_t>(y) * stride, static_cast<std::size_t>(w) * 3);
  }
  return xxhash64(tight.data(), tight.size());
}

}  // namespace

std::vector<PlainFrame> decode_plainly(const std::string& path, std::int64_t max_bytes) {
  av_log_set_level(AV_LOG_QUIET);
  std::vector<PlainFrame> frames;
  AVFormatContext* format = nullptr;
  if (avformat_open_input(&format, ("file:" + path).c_str(), nullptr, nullptr) < 0)
    throw Error(path, ": cannot be opened");
  avformat_find_stream_info(format, nullptr);
  const AVCodec* decoder = nullptr;
  const int stream = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
  if (stream < 0) throw Error(path, ": no video stream");
  AVCodecContext* codec = avcodec_alloc_context3(decoder);
  avcodec_parameters_to_context(codec, format->streams[stream]->codecpar);
  codec->pkt_timebase = format->streams[stream]->time_base;
  codec->thread_count = 1;
  avcodec_open2(codec, decoder, nullptr);
  AVPacket* packet = av_packet_alloc();
  AVFrame* frame = av_frame_alloc();
  const double tick_s = av_q2d(format->streams[stream]->time_base);
  std::int64_t bytes = 0;
  const auto take_frames = [&] {
    while (avcodec_receive_frame(codec, frame) >= 0) {
      const auto time = frame->best_effort_timestamp;
      const std::int64_t size = static_cast<std::int64_t>(frame->width) * frame->height * 3;
      bytes += size;
      if (bytes > max_bytes && !frames.empty()) continue;
      frames.push_back({rgb_hash(*frame), time != AV_NOPTS_VALUE, static_cast<double>(time) * tick_s});
    }
  };
  while (bytes <= max_bytes && av_read_frame(format, packet) >= 0) {
    if (packet->stream_index == stream) {
      avcodec_send_packet(codec, packet);
      take_frames();
    }
    av_packet_unref(packet);
  }
  avcodec_send_packet(codec, nullptr);
  take_frames();
  av_packet_free(&packet);
  av_frame_free(&frame);
  avcodec_free_context(&codec);
  avformat_close_input(&format);
  return frames;
}

}  // namespace glint::test
