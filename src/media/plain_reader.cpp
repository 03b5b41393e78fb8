#include "glint/media/plain_reader.h"

#include <algorithm>
#include <limits>

#include "media/clock_watch.h"
#include "media/input_file.h"
#include "media/rgb_converter.h"
#include "media/time_budget.h"

namespace glint {

using namespace media;

namespace {
constexpr int kMaxErrorsAtEnd = 64;  // in a row at the end of the file, where a decoder gives what it held back

bool is_keyframe(const AVFrame& frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
  return (frame.flags & AV_FRAME_FLAG_KEY) != 0;
#else
  return frame.key_frame != 0;
#endif
}
}  // namespace

struct PlainReader::Impl {
  Impl(const std::string& name, const ReaderOptions& options);

  bool next();
  bool receive();
  bool send_packet();
  void keep_new_clocks(AVPacket& video);
  void tell_time();
  double tick_s() const { return av_q2d(input->streams[stream]->time_base); }

  VideoFile file;
  const std::string& path = file.path();
  TimeBudget budget;
  InputFile input;
  AvPtr<AVCodecContext> codec;
  AvPtr<AVPacket> packet = av_owned(av_packet_alloc());
  AvPtr<AVFrame> frame = av_owned(av_frame_alloc());
  int stream = -1;
  bool is_drained = false;
  std::unique_ptr<RgbConverter> converter = {};
  ClockWatch watch = {};   // Note [new clocks]
  bool is_cut = false;     // into fragments
  ClockWatch stored = {};  // of its packets
  bool drops_none = false;
  std::int64_t shift = 0;              // of this clock's times
  std::int64_t step = 0;               // between the last two frames in this clock
  std::int64_t time = AV_NOPTS_VALUE;  // of the frame, shifted
  std::int64_t last = AV_NOPTS_VALUE;  // the last that was told
};

PlainReader::Impl::Impl(const std::string& name, const ReaderOptions& options)
    : file(name), budget(name, options.timeout_s), input(file, budget) {
  input.probe_streams();
  const ChosenStream chosen = choose_video_stream(*input, path);
  stream = chosen.number;
  AVStream& video = *input->streams[stream];
  check_picture_size(*video.codecpar, options.max_pixels, path);
  is_cut = is_fragmented(*input, video);
  codec = av_owned(avcodec_alloc_context3(chosen.decoder));
  av_check(avcodec_parameters_to_context(codec.get(), video.codecpar), path, "its video stream cannot be read");
  codec->pkt_timebase = video.time_base;
  codec->thread_count = 1;
  codec->max_pixels = options.max_pixels;
  av_check(avcodec_open2(codec.get(), chosen.decoder, nullptr), path, "its video decoder cannot be opened");
  converter = std::make_unique<RgbConverter>(path, options.apply_rotation ? orientation_of(video) : Orientation{});
  budget.pause();
}

// The next packet of the video, or its end, to the decoder. A damaged packet loses its frame and no more.
bool PlainReader::Impl::send_packet() {
  while (input.read_packet(*packet)) {
    const bool is_video = packet->stream_index == stream;
    if (is_video && is_cut) keep_new_clocks(*packet);
    const int code = is_video ? avcodec_send_packet(codec.get(), packet.get()) : 0;
    av_packet_unref(packet.get());
    if (code == AVERROR(ENOMEM)) throw_no_memory(path);
    if (is_video) return true;
  }
  avcodec_send_packet(codec.get(), nullptr);
  return false;
}

// What libav takes for a repetition of fragments that are there already may be a new clock's.
void PlainReader::Impl::keep_new_clocks(AVPacket& video) {
  if (video.pts == AV_NOPTS_VALUE) return;
  const bool is_dropped = (video.flags & AV_PKT_FLAG_DISCARD) != 0;
  const bool is_new = stored.begins_anew(video.pts, (video.flags & AV_PKT_FLAG_KEY) != 0);
  drops_none = drops_none || (is_dropped && is_new);
  if (drops_none) video.flags &= ~AV_PKT_FLAG_DISCARD;
}

bool PlainReader::Impl::next() {
  if (!receive()) return false;
  tell_time();
  return true;
}

// Sets a clock that begins anew behind the one before it.
void PlainReader::Impl::tell_time() {
  const std::int64_t told = frame->best_effort_timestamp;
  time = told;
  if (told == AV_NOPTS_VALUE) return;
  if (watch.begins_anew(told, is_keyframe(*frame))) {
    shift = difference_of(sum_of(last, std::max<std::int64_t>(step, 1)), told);
  } else if (last != AV_NOPTS_VALUE) {
    step = difference_of(sum_of(told, shift), last);
  }
  time = last = sum_of(told, shift);
}

bool PlainReader::Impl::receive() {
  for (int errors = 0; errors < kMaxErrorsAtEnd;) {
    budget.check();
    const int code = avcodec_receive_frame(codec.get(), frame.get());
    if (code >= 0) return true;
    if (code == AVERROR_EOF) return false;
    if (code == AVERROR(ENOMEM)) throw_no_memory(path);
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
  if (impl_->time == AV_NOPTS_VALUE) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(impl_->time) * impl_->tick_s();
}

const Image& PlainReader::image() {
  return impl_->converter->convert(*impl_->frame);
}

void PlainReader::seek(double time_s) {
  const TimeBudget::Running running(impl_->budget);
  const int code = av_seek_frame(&*impl_->input, impl_->stream, static_cast<std::int64_t>(time_s / impl_->tick_s()),
                                 AVSEEK_FLAG_BACKWARD);
  impl_->input.check();
  av_check(code, impl_->path, "it cannot be sought in");
  avcodec_flush_buffers(impl_->codec.get());
  impl_->is_drained = false;
  impl_->watch = {};
  impl_->shift = 0;
  impl_->last = AV_NOPTS_VALUE;
}

}  // namespace glint
