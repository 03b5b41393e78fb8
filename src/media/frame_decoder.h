#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "media/av.h"
#include "media/packet_source.h"

namespace glint::media {

// libav's decoder for one stream, one thread. A frame's pts is the number of the packet it came from: that tells frames
// apart where the file has no timestamps, whatever was skipped on the way.
class FrameDecoder {
 public:
  enum class Effort {
    kAll,
    kTimesOnly,    // the same frames with the same times in the same order, but no right pixels
    kHeadersOnly,  // the same of the undamaged data: of H.264 the decoder sees the headers alone, a tenth of the work
  };
  // `reorder`: how many frames the decoder must hold back to give them in the order they are shown.
  FrameDecoder(const StreamFacts& facts, const ReaderOptions& options, const std::string& path, int reorder,
               Effort effort);

  // Called with each frame that comes out; its number of packet is in pts (AV_NOPTS_VALUE: unknown).
  using FrameSink = std::function<void(const AVFrame& frame)>;
  // Damaged data gives no frame, or a damaged one, and no error. `skip`: what the decoder may leave out.
  void send(const AVPacket& packet, std::int64_t number, AVDiscard skip, const FrameSink& sink);
  // Gives the frames held back; afterwards the decoder takes nothing before restart().
  void drain(const FrameSink& sink);
  // Forgets all; the next packet must be a keyframe.
  void restart();

 private:
  void receive(const FrameSink& sink);

  std::string path_;
  AvPtr<AVCodecContext> codec_;
  AvPtr<AVPacket> packet_;
  AvPtr<AVFrame> frame_;
  bool is_headers_only_ = false;
  int length_bytes_ = 0;  // before each unit of H.264; 0: units begin with a start code
};

}  // namespace glint::media
