#include "glint/media/plain_reader.h"

#include <limits>

#include "media/input_file.h"
#include "media/rgb_converter.h"
#include "media/time_budget.h"

namespace glint {

using namespace media;

namespace {
constexpr int kMaxErrorsAtEnd = 64;  // in a row at the end of the file, where a decoder gives what it held back
}

struct PlainReader::Impl {
  Impl(const std::string& name, const ReaderOptions& options);

  bool next();
  bool send_packet();

  std::string path;
  TimeBudget budget;
  AvPtr<AVFormatContext> format;
  AvPtr<AVCodecContext> codec;
  AvPtr<AVPacket> packet = av_owned(av_packet_alloc());
  AvPtr<AVFrame> frame = av_owned(av_frame_alloc());
  int stream = -1;
  bool is_drained = false;
  std::unique_ptr<RgbConverter> converter = {};
};

PlainReader::Impl::Impl(const std::string& name, const ReaderOptions& options)
    : path(name), budget(name, options.timeout_s), format(open_input(name, budget)) {
  probe_streams(*format, path, budget);
  const ChosenStream chosen = choose_video_stream(*format, path);
  stream = chosen.number;
  AVStream& video = *format->streams[stream];
  check_picture_size(*video.codecpar, options.max_pixels, path);
  codec = av_owned(avcodec_alloc_context3(chosen.decoder));
  av_check(avcodec_parameters_to_context(codec.get(), video.codecpar), path, "its video stream cannot be read");
  codec->pkt_timebase = video.time_base;
  codec->thread_count = 1;
  codec->max_pixels = options.max_pixels;
  av_check(avcodec_open2(codec.get(), chosen.decoder, nullptr), path, "its video decoder cannot be opened");
  converter = std::make_unique<RgbConverter>(path, options.apply_rotation ? clockwise_rotation(video) : 0);
  budget.pause();
}

// The next packet of the video, or its end, to the decoder. A damaged packet loses its frame and no more.
bool PlainReader::Impl::send_packet() {
  while (true) {
    const int read = av_read_frame(format.get(), packet.get());
    budget.check();
    if (read == AVERROR(EAGAIN)) continue;
    if (read == AVERROR(ENOMEM)) throw std::bad_alloc();
    if (read < 0) break;
    const bool is_video = packet->stream_index == stream;
    const int code = is_video ? avcodec_send_packet(codec.get(), packet.get()) : 0;
    av_packet_unref(packet.get());
    if (code == AVERROR(ENOMEM)) throw std::bad_alloc();
    if (is_video) return true;
  }
  avcodec_send_packet(codec.get(), nullptr);
  return false;
}

bool PlainReader::Impl::next() {
  for (int errors = 0; errors < kMaxErrorsAtEnd;) {
    budget.check();
    const int code = avcodec_receive_frame(codec.get(), frame.get());
    if (code >= 0) return true;
    if (code == AVERROR_EOF) return false;
    if (code == AVERROR(ENOMEM)) throw std::bad_alloc();
    if (is_drained) {
      ++errors;
    } else if (!send_packet()) {
      is_drained = true;
    }
  }
  return false;
}

PlainReader::PlainReader(const std::string& path, const ReaderOptions& options) {
  quiet_libav();
  impl_ = std::make_unique<Impl>(path, options);
}
PlainReader::~PlainReader() = default;
PlainReader::PlainReader(PlainReader&&) noexcept = default;
PlainReader& PlainReader::operator=(PlainReader&&) noexcept = default;

bool PlainReader::next() {
  const TimeBudget::Running running(impl_->budget);
  return impl_->next();
}

double PlainReader::time_s() const {
  const auto time = impl_->frame->best_effort_timestamp;
  if (time == AV_NOPTS_VALUE) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(time) * av_q2d(impl_->format->streams[impl_->stream]->time_base);
}

const Image& PlainReader::image() {
  return impl_->converter->convert(*impl_->frame);
}

void PlainReader::seek(double time_s) {
  const TimeBudget::Running running(impl_->budget);
  const double tick_s = av_q2d(impl_->format->streams[impl_->stream]->time_base);
  const int code = av_seek_frame(impl_->format.get(), impl_->stream, static_cast<std::int64_t>(time_s / tick_s),
                                 AVSEEK_FLAG_BACKWARD);
  impl_->budget.check();
  av_check(code, impl_->path, "it cannot be sought in");
  avcodec_flush_buffers(impl_->codec.get());
  impl_->is_drained = false;
}

}  // namespace glint
