#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "media/frame_decoder.h"
#include "media/packet_source.h"

namespace glint::media {

// Which frames a file holds, when each is shown, and which packets give it. Frames are numbered as they are shown,
// packets as they lie in the file.
struct FrameIndex {
  struct Key {
    std::int64_t packet;
    std::int64_t frame;  // that it gives
  };

  std::vector<double> times_s;        // [frames] strictly ascending
  std::vector<std::int64_t> packets;  // [frames] that the frame's data begin in
  std::vector<std::int64_t> ends;     // [frames] last packet with data of the frame
  std::vector<Key> keys;              // ascending packets
  int reorder = 0;                    // frames a decoder holds back
  double last_duration_s = 0;         // of the last frame; 0 where unknown
  bool is_exact = false;              // made by decoding: holds what decodes, no more
  bool can_plan = true;               // each frame has a packet of its own; else only reading in order finds it
  bool can_skip = true;               // one packet a picture, so a picture that nothing refers to may be left out

  std::int64_t size() const { return static_cast<std::int64_t>(times_s.size()); }
  // The packet to begin at for frame `frame`: the last keyframe that is neither stored nor shown after it. A picture
  // stored after a keyframe but shown before it may need the pictures before the keyframe (open GOP).
  std::int64_t start_packet(std::int64_t frame) const;
  // The number of the last frame that starts at or before `time_s`; 0 where none does.
  std::int64_t frame_at(double time_s) const;
};

// Reads all packets. Where they alone do not tell the frames and their times (timestamps missing, fields in packets of
// their own), or `exact` asks for it, all are decoded once without pixels. Throws Error where there is no frame.
FrameIndex index_frames(PacketSource& source, const ReaderOptions& options, const std::string& path, bool exact);

}  // namespace glint::media
