#include "media/packet_source.h"

extern "C" {
#include <libavutil/display.h>
}

#include <cmath>
#include <cstring>
#include <filesystem>

namespace glint::media {

namespace {

constexpr std::int64_t kPacketOverheadBytes = 256;  // AVPacket, AVBuffer and allocator, about

bool starts_with(const char* text, const char* start) {
  return std::strncmp(text, start, std::strlen(start)) == 0;
}

int video_streams(const AVFormatContext& format) {
  int count = 0;
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    count += format.streams[i]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO ? 1 : 0;
  }
  return count;
}

// MP4 and Matroska headers mostly hold all that we ask; probing costs four times the opening. With several video
// streams libav's choice of the best looks at probed frames.
bool header_says_enough(const AVFormatContext& format) {
  if (!starts_with(format.iformat->name, "mov,") && !starts_with(format.iformat->name, "matroska")) return false;
  if (video_streams(format) != 1) return video_streams(format) == 0;
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    const AVStream& stream = *format.streams[i];
    if (stream.codecpar->codec_type != AVMEDIA_TYPE_VIDEO) continue;
    return stream.codecpar->width > 0 && stream.codecpar->height > 0 && stream.avg_frame_rate.num > 0 &&
           stream.codecpar->codec_id != AV_CODEC_ID_NONE;
  }
  return false;
}

const std::int32_t* display_matrix(const AVStream& stream) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
  const AVPacketSideData* data = av_packet_side_data_get(
      stream.codecpar->coded_side_data, stream.codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  return data != nullptr && data->size >= 36 ? reinterpret_cast<const std::int32_t*>(data->data) : nullptr;
#else
  std::size_t size = 0;
  const std::uint8_t* data = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  return data != nullptr && size >= 36 ? reinterpret_cast<const std::int32_t*>(data) : nullptr;
#endif
}

// Degrees clockwise, to the nearest quarter turn; libav counts the other way round.
int clockwise_rotation(const AVStream& stream) {
  const std::int32_t* matrix = display_matrix(stream);
  if (matrix == nullptr) return 0;
  const double degrees = -av_display_rotation_get(matrix);
  if (!std::isfinite(degrees)) return 0;
  return ((static_cast<int>(std::lround(degrees / 90)) % 4) + 4) % 4 * 90;
}

}  // namespace

PacketSource::PacketSource(std::string path, const ReaderOptions& options, TimeBudget& budget)
    : path_(std::move(path)), options_(options), budget_(budget), packet_(av_owned(av_packet_alloc())) {
  // A pipe would block in open() where no interrupt reaches it.
  if (!std::filesystem::exists(path_)) throw Error(path_, ": no such file");
  if (!std::filesystem::is_regular_file(path_)) throw Error(path_, ": not a regular file");
  open();
  fill_facts();
}

void PacketSource::open() {
  format_.reset();
  AVFormatContext* raw = avformat_alloc_context();
  if (raw == nullptr) throw std::bad_alloc();
  raw->interrupt_callback = {&TimeBudget::interrupt, &budget_};
  raw->max_streams = 256;
  AVDictionary* settings = nullptr;
  av_dict_set(&settings, "protocol_whitelist", "file", 0);  // a play list must not reach into the network
  const int code = avformat_open_input(&raw, ("file:" + path_).c_str(), nullptr, &settings);  // frees `raw` if it fails
  av_dict_free(&settings);
  budget_.check();
  if (code < 0)
    throw Error(path_, ": no video that can be opened (", av_text(code), "); it may be cut off or encrypted");
  format_.reset(raw);
  choose_stream();
  position_ = 0;
}

void PacketSource::choose_stream() {
  if (!header_says_enough(*format_)) {
    const int code = avformat_find_stream_info(format_.get(), nullptr);
    budget_.check();
    av_check(code, path_, "its streams cannot be recognised");
  }
  facts_.decoder = nullptr;
  stream_ = av_find_best_stream(format_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, &facts_.decoder, 0);
  if (stream_ == AVERROR_DECODER_NOT_FOUND) throw Error(path_, ": this libav has no decoder for its video stream");
  const bool is_cover = stream_ >= 0 && (format_->streams[stream_]->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
  if (stream_ < 0 || is_cover) throw Error(path_, ": holds no video stream");
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    if (static_cast<int>(i) != stream_) format_->streams[i]->discard = AVDISCARD_ALL;
  }
  const AVStream& stream = *format_->streams[stream_];
  if (stream.nb_frames > options_.max_frames) {
    throw Error(path_, ": claims ", stream.nb_frames, " frames; at most ", options_.max_frames, " are read");
  }
}

void PacketSource::fill_facts() {
  AVStream& stream = *format_->streams[stream_];
  facts_.parameters = av_owned(avcodec_parameters_alloc());
  av_check(avcodec_parameters_copy(facts_.parameters.get(), stream.codecpar), path_, "its video stream cannot be read");
  facts_.container = format_->iformat->name;
  facts_.time_base = stream.time_base;
  facts_.average_fps = stream.avg_frame_rate;
  if (facts_.average_fps.num <= 0) facts_.average_fps = av_guess_frame_rate(format_.get(), &stream, nullptr);
  facts_.sample_aspect = av_guess_sample_aspect_ratio(format_.get(), &stream, nullptr);
  facts_.rotation = clockwise_rotation(stream);
  const std::int64_t pixels = static_cast<std::int64_t>(facts_.parameters->width) * facts_.parameters->height;
  if (pixels > options_.max_pixels) {
    throw Error(path_, ": pictures of ", facts_.parameters->width, "x", facts_.parameters->height,
                " pixels are larger than the ", options_.max_pixels, " that are read");
  }
}

const AVPacket* PacketSource::next() {
  budget_.check();
  if (keeping_ == Keeping::kComplete) {
    if (position_ >= static_cast<std::int64_t>(kept_.size())) return nullptr;
    return kept_[position_++].get();
  }
  if (!read()) {
    if (keeping_ == Keeping::kYes) {
      keeping_ = Keeping::kComplete;
      format_.reset();  // nothing more to read
    }
    return nullptr;
  }
  if (keeping_ == Keeping::kYes) keep();
  ++position_;
  return packet_.get();
}

bool PacketSource::read() {
  while (true) {
    av_packet_unref(packet_.get());
    const int code = av_read_frame(format_.get(), packet_.get());
    if (code == AVERROR(EAGAIN)) {
      budget_.check();
      continue;
    }
    if (code < 0) {  // the end, or where a damaged file breaks off
      budget_.check();
      return false;
    }
    if (packet_->stream_index == stream_) return true;
    budget_.check();
  }
}

void PacketSource::keep() {
  kept_bytes_ += packet_->size + kPacketOverheadBytes;
  if (kept_bytes_ > options_.max_kept_bytes) {
    keeping_ = Keeping::kTooLarge;
    kept_.clear();
    kept_.shrink_to_fit();
    return;
  }
  kept_.push_back(av_owned(av_packet_clone(packet_.get())));
}

void PacketSource::go_to(std::int64_t packet) {
  if (keeping_ == Keeping::kComplete) position_ = packet;
  if (packet == position_) return;
  GLINT_CHECK(keeping_ == Keeping::kTooLarge, "the first pass over the packets was not finished");
  if (packet < position_) open();
  while (position_ < packet && next() != nullptr) {
  }
}

}  // namespace glint::media
