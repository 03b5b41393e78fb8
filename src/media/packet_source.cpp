#include "media/packet_source.h"

#include <cstring>

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

}  // namespace

PacketSource::PacketSource(const VideoFile& file, const ReaderOptions& options, TimeBudget& budget)
    : file_(file), options_(options), budget_(budget), packet_(av_owned(av_packet_alloc())) {
  open();
  fill_facts();
}

void PacketSource::open() {
  input_.reset();
  input_.emplace(file_, budget_);
  if (!header_says_enough(**input_)) input_->probe_streams();
  const ChosenStream chosen = choose_video_stream(**input_, file_.path());
  stream_ = chosen.number;
  facts_.decoder = chosen.decoder;
  position_ = 0;
  const AVStream& stream = *(*input_)->streams[stream_];
  if (stream.nb_frames > options_.max_frames) {
    throw BadFile(file_.path(), ": claims ", stream.nb_frames, " frames; at most ", options_.max_frames, " are read");
  }
}

void PacketSource::fill_facts() {
  AVStream& stream = *(*input_)->streams[stream_];
  facts_.parameters = av_owned(avcodec_parameters_alloc());
  av_check(avcodec_parameters_copy(facts_.parameters.get(), stream.codecpar), file_.path(),
           "its video stream cannot be read");
  facts_.container = (*input_)->iformat->name;
  facts_.time_base = stream.time_base;
  facts_.average_fps = stream.avg_frame_rate;
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
  // From here on libav's guess counts the fields of MPEG-2, not its frames.
  if (facts_.average_fps.num <= 0) facts_.average_fps = stream.codecpar->framerate;
#endif
  if (facts_.average_fps.num <= 0) facts_.average_fps = av_guess_frame_rate(&**input_, &stream, nullptr);
  facts_.sample_aspect = av_guess_sample_aspect_ratio(&**input_, &stream, nullptr);
  facts_.is_fragmented = is_fragmented(**input_, stream);
  facts_.orientation = orientation_of(stream);
  check_picture_size(*facts_.parameters, options_.max_pixels, file_.path());
}

const AVPacket* PacketSource::next() {
  budget_.check();
  if (keeping_ == Keeping::kComplete) {
    if (position_ >= static_cast<std::int64_t>(kept_.size())) return nullptr;
    return handed_out(*kept_[position_]);
  }
  if (!read()) {
    if (keeping_ == Keeping::kYes) {
      keeping_ = Keeping::kComplete;
      input_.reset();  // nothing more to read
    }
    return nullptr;
  }
  if (keeping_ == Keeping::kYes) keep();
  return handed_out(*packet_);
}

const AVPacket* PacketSource::handed_out(AVPacket& packet) {
  if (position_++ >= drop_none_from_) packet.flags &= ~AV_PKT_FLAG_DISCARD;
  return &packet;
}

bool PacketSource::read() {
  while (input_->read_packet(*packet_)) {
    if (packet_->stream_index == stream_) return true;
  }
  return false;
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
