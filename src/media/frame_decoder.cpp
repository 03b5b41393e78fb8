#include "media/frame_decoder.h"

#include <algorithm>

#include "media/h264_units.h"

namespace glint::media {

namespace {

constexpr int kMaxErrors = 64;  // more than any decoder holds back

constexpr std::ptrdiff_t kHeaderBytes = 512;  // a slice header with all its tables is shorter

// How much of a unit of `size` bytes is needed to know when its frame is shown: of a picture's data the header.
std::ptrdiff_t needed_bytes(const std::uint8_t* unit, std::ptrdiff_t size) {
  const bool is_picture = size > 0 && (unit[0] & 31) >= 1 && (unit[0] & 31) <= 5;
  return is_picture ? std::min(size, kHeaderBytes) : size;
}

// Both copy what is needed of each unit to `to` and give the end of what they wrote; nullptr where a length is wrong.
std::uint8_t* copy_unit_starts(const std::uint8_t* unit, const std::uint8_t* end, std::uint8_t* to) {
  static constexpr std::uint8_t kCode[] = {0, 0, 1};
  const std::uint8_t* code = std::search(unit, end, std::begin(kCode), std::end(kCode));
  to = std::copy(unit, code, to);
  while (code != end) {
    unit = code + 3;
    code = std::search(unit, end, std::begin(kCode), std::end(kCode));
    to = std::copy_n(kCode, 3, to);
    to = std::copy_n(unit, needed_bytes(unit, code - unit), to);
  }
  return to;
}

std::uint8_t* copy_unit_starts(const std::uint8_t* at, const std::uint8_t* end, int length_bytes, std::uint8_t* to) {
  while (at != end) {
    if (end - at < length_bytes) return nullptr;
    std::uint32_t length = 0;
    for (int i = 0; i < length_bytes; ++i) length = length << 8 | *at++;
    if (length > end - at) return nullptr;
    const auto kept = needed_bytes(at, length);
    for (int i = length_bytes - 1; i >= 0; --i) *to++ = static_cast<std::uint8_t>(kept >> (8 * i));
    to = std::copy_n(at, kept, to);
    at += length;
  }
  return to;
}

// Which frames come out, when and in which order stands at the start of each unit; the rest, which takes nearly all the
// time, is what the pixels are made of. A packet that is no row of units stays as it is.
void keep_headers_only(AvPtr<AVPacket>& packet, int length_bytes) {
  auto kept = av_owned(av_packet_alloc());
  if (av_new_packet(kept.get(), packet->size) < 0 || av_packet_copy_props(kept.get(), packet.get()) < 0) {
    throw std::bad_alloc();
  }
  const std::uint8_t* const end = packet->data + packet->size;
  const std::uint8_t* const written = length_bytes > 0 ? copy_unit_starts(packet->data, end, length_bytes, kept->data)
                                                       : copy_unit_starts(packet->data, end, kept->data);
  if (written == nullptr) return;
  av_shrink_packet(kept.get(), static_cast<int>(written - kept->data));
  packet = std::move(kept);
}

}  // namespace

FrameDecoder::FrameDecoder(const StreamFacts& facts, const ReaderOptions& options, const std::string& path, int reorder,
                           Effort effort)
    : path_(path),
      codec_(av_owned(avcodec_alloc_context3(facts.decoder))),
      packet_(av_owned(av_packet_alloc())),
      frame_(av_owned(av_frame_alloc())) {
  av_check(avcodec_parameters_to_context(codec_.get(), facts.parameters.get()), path_,
           "its video stream cannot be read");
  codec_->thread_count = 1;  // many files at once use the cores; two threads a file cost 35-57 % more
  codec_->pkt_timebase = facts.time_base;
  codec_->max_pixels = options.max_pixels;
  codec_->has_b_frames = std::max(codec_->has_b_frames, reorder);
  if (effort != Effort::kAll) {
    codec_->skip_loop_filter = AVDISCARD_ALL;
    codec_->skip_idct = AVDISCARD_ALL;
    codec_->error_concealment = 0;  // of pixels
    is_headers_only_ = effort == Effort::kHeadersOnly && facts.parameters->codec_id == AV_CODEC_ID_H264;
    length_bytes_ = h264_length_bytes(*facts.parameters);
  }
  av_check(avcodec_open2(codec_.get(), facts.decoder, nullptr), path_, "its video decoder cannot be opened");
}

void FrameDecoder::send(const AVPacket& packet, std::int64_t number, AVDiscard skip, const FrameSink& sink) {
  av_packet_unref(packet_.get());
  if (av_packet_ref(packet_.get(), &packet) < 0) throw std::bad_alloc();
  if (is_headers_only_ && packet_->size > kHeaderBytes) keep_headers_only(packet_, length_bytes_);
  packet_->pts = number;
  codec_->skip_frame = skip;
  int code = avcodec_send_packet(codec_.get(), packet_.get());
  if (code == AVERROR(EAGAIN)) {
    receive(sink);
    code = avcodec_send_packet(codec_.get(), packet_.get());
  }
  if (code == AVERROR(ENOMEM)) throw_no_memory(path_);
  receive(sink);  // any other code: a damaged packet, which loses its frame and no more
}

void FrameDecoder::drain(const FrameSink& sink) {
  avcodec_send_packet(codec_.get(), nullptr);
  receive(sink);
}

void FrameDecoder::restart() {
  avcodec_flush_buffers(codec_.get());
}

void FrameDecoder::receive(const FrameSink& sink) {
  // An error is that of one frame held back, and others follow; a decoder that only errs is given up.
  for (int errors = 0; errors < kMaxErrors;) {
    const int code = avcodec_receive_frame(codec_.get(), frame_.get());
    if (code == AVERROR(ENOMEM)) throw_no_memory(path_);
    if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
    if (code >= 0) {
      sink(*frame_);
    } else {
      ++errors;
    }
    av_frame_unref(frame_.get());
  }
}

}  // namespace glint::media
