#include "media/frame_decoder.h"

#include <algorithm>

namespace glint::media {

namespace {
constexpr int kMaxErrors = 64;  // more than any decoder holds back
}

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
  if (effort == Effort::kTimesOnly) {
    codec_->skip_loop_filter = AVDISCARD_ALL;
    codec_->skip_idct = AVDISCARD_ALL;
  }
  av_check(avcodec_open2(codec_.get(), facts.decoder, nullptr), path_, "its video decoder cannot be opened");
}

void FrameDecoder::send(const AVPacket& packet, std::int64_t number, AVDiscard skip, const FrameSink& sink) {
  av_packet_unref(packet_.get());
  if (av_packet_ref(packet_.get(), &packet) < 0) throw std::bad_alloc();
  packet_->pts = number;
  codec_->skip_frame = skip;
  int code = avcodec_send_packet(codec_.get(), packet_.get());
  if (code == AVERROR(EAGAIN)) {
    receive(sink);
    code = avcodec_send_packet(codec_.get(), packet_.get());
  }
  if (code == AVERROR(ENOMEM)) throw std::bad_alloc();
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
    if (code == AVERROR(ENOMEM)) throw std::bad_alloc();
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
