#include "glint/media/video_writer.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <numbers>
#include <optional>
#include <utility>

#include "glint/core/error.h"
#include "media/av.h"

extern "C" {
#include <libavutil/channel_layout.h>
#include <libavutil/display.h>
#include <libavutil/opt.h>
}

namespace glint {

using namespace media;

namespace {

constexpr int kSampleRate = 48000;  // every audio encoder we use takes it
constexpr double kToneHz = 330;
constexpr double kToneLevel = 0.05;  // of full scale
constexpr int kMpeg4Quantiser = 4;

int check(int result, const std::string& path, const char* doing) {
  if (result >= 0) return result;
  constexpr int kLargestErrno = 4095;  // libav's own codes lie beyond
  if (result >= -kLargestErrno) throw_errno(concat(path, ": the video cannot be ", doing), AVUNERROR(result));
  throw Error(path, ": the video cannot be ", doing, ": ", av_text(result));
}

void set_option(AVCodecContext* encoder, const char* name, const std::string& value) {
  const int result = av_opt_set(encoder, name, value.c_str(), AV_OPT_SEARCH_CHILDREN);
  GLINT_CHECK(result >= 0, encoder->codec->name, " takes no ", name, "=", value);
}

// One encoder and its stream in the file.
class Track {
 public:
  Track(AVFormatContext* file, std::string path, const std::string& codec_name)
      : path_(std::move(path)), file_(file), packet_(av_packet_alloc()) {
    const AVCodec* codec = avcodec_find_encoder_by_name(codec_name.c_str());
    if (codec == nullptr) throw Error(path_, ": this machine's FFmpeg has no encoder '", codec_name, "'");
    encoder_.reset(avcodec_alloc_context3(codec));
    GLINT_CHECK(encoder_ && packet_, "out of memory");
    encoder_->thread_count = 1;  // x264's output depends on the number of threads
    encoder_->flags |= AV_CODEC_FLAG_BITEXACT;
    if (file_->oformat->flags & AVFMT_GLOBALHEADER) encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  }

  AVCodecContext* encoder() { return encoder_.get(); }
  AVStream* stream() { return stream_; }

  void open() {
    check(avcodec_open2(encoder_.get(), nullptr, nullptr), path_, "encoded");
    stream_ = avformat_new_stream(file_, nullptr);
    GLINT_CHECK(stream_ != nullptr, "out of memory");
    check(avcodec_parameters_from_context(stream_->codecpar, encoder_.get()), path_, "encoded");
    stream_->time_base = encoder_->time_base;
    stream_->avg_frame_rate = encoder_->framerate;
  }

  // `duration` in the encoder's time base; kept here because not every encoder hands it through.
  void send(AVFrame* frame, std::int64_t duration) {
    durations_[frame->pts] = duration;
    check(avcodec_send_frame(encoder_.get(), frame), path_, "encoded");
    write_packets();
  }

  void flush() {
    check(avcodec_send_frame(encoder_.get(), nullptr), path_, "encoded");
    write_packets();
  }

 private:
  void write_packets() {
    while (true) {
      const int result = avcodec_receive_packet(encoder_.get(), packet_.get());
      if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
      check(result, path_, "encoded");
      if (const auto found = durations_.find(packet_->pts); found != durations_.end()) {
        packet_->duration = found->second;
        durations_.erase(found);
      }
      packet_->stream_index = stream_->index;
      av_packet_rescale_ts(packet_.get(), encoder_->time_base, stream_->time_base);
      check(av_interleaved_write_frame(file_, packet_.get()), path_, "written");
    }
  }

  std::string path_;
  AVFormatContext* file_;
  AVStream* stream_ = nullptr;
  AvPtr<AVCodecContext> encoder_;
  AvPtr<AVPacket> packet_;
  std::map<std::int64_t, std::int64_t> durations_;  // pts -> duration of the frames inside the encoder
};

AvOutput open_container(const std::string& path) {
  quiet_libav();
  AVFormatContext* raw = nullptr;
  if (avformat_alloc_output_context2(&raw, nullptr, nullptr, path.c_str()) < 0 || raw == nullptr) {
    throw Error(path, ": no container has this file name's extension; .mp4 .mov .mkv .webm .avi do");
  }
  AvOutput file(raw);
  file->flags |= AVFMT_FLAG_BITEXACT;  // no dates, no random identifiers
  // A name with a colon is no address of a protocol's.
  check(avio_open(&file->pb, ("file:" + path).c_str(), AVIO_FLAG_WRITE), path, "written");
  return file;
}

// Note [x264 mbtree]: with AVX-512 the macroblock tree of x264 (core 164) reads memory that nobody wrote, so that equal
// pictures give different bytes from one file to the next (seen at 96x64 and 192x108; not with asm=avx2). Without the
// tree the bytes are equal, and equal between processors too.
void set_video_parameters(AVCodecContext* encoder, const VideoWriterOptions& options) {
  encoder->width = options.width;
  encoder->height = options.height;
  encoder->pix_fmt = AV_PIX_FMT_YUV420P;
  encoder->time_base = {options.fps_den, options.fps_num};
  if (!options.variable_rate) encoder->framerate = {options.fps_num, options.fps_den};
  encoder->gop_size = options.gop;
  encoder->color_range = AVCOL_RANGE_MPEG;
  encoder->colorspace = AVCOL_SPC_SMPTE170M;  // what swscale makes of RGB
  if (options.codec == "libx264") {
    set_option(encoder, "preset", "veryfast");
    set_option(encoder, "crf", std::to_string(options.crf));
    set_option(encoder, "mbtree", "0");  // Note [x264 mbtree]
  } else if (options.codec == "libvpx-vp9") {
    set_option(encoder, "deadline", "realtime");
    set_option(encoder, "cpu-used", "8");
    set_option(encoder, "crf", std::to_string(options.crf));
    encoder->bit_rate = 0;
  } else if (options.codec == "mpeg4") {
    encoder->flags |= AV_CODEC_FLAG_QSCALE;
    encoder->global_quality = FF_QP2LAMBDA * kMpeg4Quantiser;
  }
  for (const auto& [name, value] : options.encoder) set_option(encoder, name.c_str(), value);
}

// Players turn the picture by this matrix; av_display_rotation_set counts with the clock.
void set_display_matrix(AVStream* stream, const VideoWriterOptions& options) {
  constexpr std::size_t kBytes = 9 * sizeof(std::int32_t);
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
  AVPacketSideData* side = av_packet_side_data_new(
      &stream->codecpar->coded_side_data, &stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX, kBytes, 0);
  std::uint8_t* data = side == nullptr ? nullptr : side->data;
#else
  std::uint8_t* data = av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, kBytes);
#endif
  GLINT_CHECK(data != nullptr, "out of memory");
  auto* matrix = reinterpret_cast<std::int32_t*>(data);
  av_display_rotation_set(matrix, options.rotation);
  std::copy(options.display_matrix.begin(), options.display_matrix.end(), matrix);
}

const char* audio_codec(const std::string& path) {
  const auto extension = std::filesystem::path(path).extension();
  if (extension == ".webm") return "libopus";
  if (extension == ".avi") return "mp2";
  return "aac";
}

// A soft tone that keeps up with the pictures.
class Tone {
 public:
  Tone(AVFormatContext* file, const std::string& path)
      : track_(file, path, audio_codec(path)), frame_(av_frame_alloc()) {
    AVCodecContext* encoder = track_.encoder();
    encoder->sample_rate = kSampleRate;
    encoder->time_base = {1, kSampleRate};
    encoder->bit_rate = 32000;
    encoder->sample_fmt = encoder->codec_id == AV_CODEC_ID_AAC ? AV_SAMPLE_FMT_FLTP : AV_SAMPLE_FMT_S16;
    encoder->ch_layout = AV_CHANNEL_LAYOUT_MONO;
    track_.open();
    GLINT_CHECK(frame_ != nullptr, "out of memory");
    frame_->format = encoder->sample_fmt;
    frame_->nb_samples = encoder->frame_size;
    frame_->sample_rate = kSampleRate;
    frame_->ch_layout = AV_CHANNEL_LAYOUT_MONO;
    GLINT_CHECK(av_frame_get_buffer(frame_.get(), 0) >= 0, "out of memory");
  }

  void write_until(double time_s) {
    while (static_cast<double>(samples_) < time_s * kSampleRate) {
      GLINT_CHECK(av_frame_make_writable(frame_.get()) >= 0, "out of memory");
      for (int i = 0; i < frame_->nb_samples; ++i) put(i, tone_at(samples_ + i));
      frame_->pts = samples_;
      track_.send(frame_.get(), frame_->nb_samples);
      samples_ += frame_->nb_samples;
    }
  }

  void flush() { track_.flush(); }

 private:
  static double tone_at(std::int64_t sample) {
    return kToneLevel * std::sin(2 * std::numbers::pi * kToneHz * static_cast<double>(sample) / kSampleRate);
  }
  void put(int i, double value) {
    if (frame_->format == AV_SAMPLE_FMT_FLTP) {
      reinterpret_cast<float*>(frame_->data[0])[i] = static_cast<float>(value);
    } else {
      reinterpret_cast<std::int16_t*>(frame_->data[0])[i] = static_cast<std::int16_t>(std::lround(value * 32767));
    }
  }

  Track track_;
  AvPtr<AVFrame> frame_;
  std::int64_t samples_ = 0;  // written so far
};

AvPtr<AVFrame> new_picture(AVPixelFormat format, int width, int height) {
  AvPtr<AVFrame> picture(av_frame_alloc());
  GLINT_CHECK(picture != nullptr, "out of memory");
  picture->format = format;
  picture->width = width;
  picture->height = height;
  GLINT_CHECK(av_frame_get_buffer(picture.get(), 0) >= 0, "out of memory");
  return picture;
}

bool is_turned(const VideoWriterOptions& options) {
  return options.rotation != 0 || !options.display_matrix.empty();
}

void check_options(const std::string& path, const VideoWriterOptions& options) {
  GLINT_CHECK(options.width > 0 && options.width % 2 == 0 && options.height > 0 && options.height % 2 == 0,
              options.width, " x ", options.height, " pixels; both must be even");
  GLINT_CHECK(options.fps_num > 0 && options.fps_den > 0, options.fps_num, "/", options.fps_den);
  GLINT_CHECK(options.rotation % 90 == 0, options.rotation, " degrees");
  GLINT_CHECK(options.display_matrix.empty() || options.display_matrix.size() == 9, options.display_matrix.size(),
              " numbers in a display matrix");
  const auto extension = std::filesystem::path(path).extension();
  if (is_turned(options) && extension != ".mp4" && extension != ".mov") {
    throw Error(path, ": only .mp4 and .mov can say that a player must turn the picture");
  }
}

}  // namespace

struct VideoWriter::Impl {
  Impl(const std::string& path_in, const VideoWriterOptions& options_in)
      : path(path_in), options(options_in), file(open_container(path)), video(file.get(), path, options.codec) {
    set_video_parameters(video.encoder(), options);
    video.open();
    if (is_turned(options)) set_display_matrix(video.stream(), options);
    if (options.audio) audio.emplace(file.get(), path);
    check(avformat_write_header(file.get(), nullptr), path, "written");

    converter.reset(sws_getContext(options.width, options.height, AV_PIX_FMT_RGB24, options.width, options.height,
                                   AV_PIX_FMT_YUV420P, SWS_BICUBIC | SWS_ACCURATE_RND | SWS_BITEXACT, nullptr, nullptr,
                                   nullptr));
    GLINT_CHECK(converter != nullptr, "swscale takes no ", options.width, " x ", options.height);
  }

  // The picture that waits in `frame` goes to the encoder once it is known how long it stands.
  void send_waiting(std::int64_t duration) {
    video.send(frame.get(), duration);
    waits = false;
    if (audio) audio->write_until(static_cast<double>(frame->pts + duration) * options.fps_den / options.fps_num);
  }

  std::string path;
  VideoWriterOptions options;
  AvOutput file;
  Track video;
  std::optional<Tone> audio;
  AvPtr<AVFrame> rgb = new_picture(AV_PIX_FMT_RGB24, options.width, options.height);
  AvPtr<AVFrame> frame = new_picture(AV_PIX_FMT_YUV420P, options.width, options.height);
  AvPtr<SwsContext> converter;
  bool waits = false;
  bool finished = false;
  std::int64_t last_duration = 1;
};

VideoWriter::VideoWriter(const std::string& path, const VideoWriterOptions& options) {
  check_options(path, options);
  impl_ = std::make_unique<Impl>(path, options);
}

VideoWriter::~VideoWriter() = default;

void VideoWriter::add(const Image& image, std::int64_t time) {
  Impl& me = *impl_;
  GLINT_CHECK(!me.finished, me.path, ": add() after finish()");
  GLINT_CHECK(image.width == me.options.width && image.height == me.options.height, me.path, ": a picture of ",
              image.width, " x ", image.height);
  if (me.waits) {
    GLINT_CHECK(time > me.frame->pts, me.path, ": time ", time, " after ", me.frame->pts);
    me.last_duration = time - me.frame->pts;
    me.send_waiting(me.last_duration);
  }
  GLINT_CHECK(av_frame_make_writable(me.frame.get()) >= 0, "out of memory");
  for (int y = 0; y < image.height; ++y) {  // swscale reads past the last pixel, so it gets rows with room behind them
    std::copy_n(image.row(y), std::size_t{3} * image.width, me.rgb->data[0] + std::ptrdiff_t{y} * me.rgb->linesize[0]);
  }
  sws_scale(me.converter.get(), me.rgb->data, me.rgb->linesize, 0, image.height, me.frame->data, me.frame->linesize);
  me.frame->pts = time;
  me.waits = true;
}

void VideoWriter::finish() {
  Impl& me = *impl_;
  GLINT_CHECK(!me.finished, me.path, ": finish() twice");
  me.finished = true;
  if (me.waits) me.send_waiting(me.last_duration);
  me.video.flush();
  if (me.audio) me.audio->flush();
  check(av_write_trailer(me.file.get()), me.path, "written");
  check(avio_closep(&me.file->pb), me.path, "written");
}

}  // namespace glint
