#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "glint/media/video_reader.h"
#include "media/av.h"
#include "media/input_file.h"

namespace glint::media {

// What the container says about the video stream; outlives the open file.
struct StreamFacts {
  AvPtr<AVCodecParameters> parameters;
  const AVCodec* decoder = nullptr;
  std::string container;
  AVRational time_base{0, 1};
  AVRational average_fps{0, 1};
  AVRational sample_aspect{0, 1};
  Orientation orientation;
  bool is_fragmented = false;
};

// The packets of a file's best video stream in the order of the file (decode order), numbered from 0. Packets are kept
// in memory where all of them fit into ReaderOptions::max_kept_bytes, so that a second pass reads nothing; a larger
// file is read again from its start. No seeking: skipping a packet costs 1 % of decoding it, and a demuxer's seek may
// miss.
class PacketSource {
 public:
  // `file` and `budget` outlive it.
  PacketSource(const VideoFile& file, const ReaderOptions& options, TimeBudget& budget);

  const StreamFacts& facts() const { return facts_; }
  // The number that next() gives.
  std::int64_t position() const { return position_; }
  // The next packet, valid until the next call; nullptr at the end of the file or where it is broken off.
  const AVPacket* next();
  void go_to(std::int64_t packet);
  // From this packet on none is flagged to be dropped any more.
  void drop_none_from(std::int64_t packet) { drop_none_from_ = packet; }

 private:
  void open();
  void fill_facts();
  bool read();
  const AVPacket* handed_out(AVPacket& packet);
  void keep();

  const VideoFile& file_;
  ReaderOptions options_;
  TimeBudget& budget_;
  StreamFacts facts_;
  std::optional<InputFile> input_;
  AvPtr<AVPacket> packet_;
  int stream_ = -1;
  std::int64_t position_ = 0;
  std::int64_t drop_none_from_ = std::numeric_limits<std::int64_t>::max();
  std::vector<AvPtr<AVPacket>> kept_;
  std::int64_t kept_bytes_ = 0;
  enum class Keeping { kYes, kComplete, kTooLarge } keeping_ = Keeping::kYes;
};

}  // namespace glint::media
