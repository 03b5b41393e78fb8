#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "glint/media/video_reader.h"
#include "media/av.h"
#include "media/time_budget.h"

namespace glint::media {

// What the container says about the video stream; outlives the open file.
struct StreamFacts {
  AvPtr<AVCodecParameters> parameters;
  const AVCodec* decoder = nullptr;
  std::string container;
  AVRational time_base{0, 1};
  AVRational average_fps{0, 1};
  AVRational sample_aspect{0, 1};
  int rotation = 0;  // degrees clockwise to show it
};

// The packets of a file's best video stream in the order of the file (decode order), numbered from 0. Packets are kept
// in memory where all of them fit into ReaderOptions::max_kept_bytes, so that a second pass reads nothing; a larger
// file is read again from its start. No seeking: skipping a packet costs 1 % of decoding it, and a demuxer's seek may
// miss.
class PacketSource {
 public:
  PacketSource(std::string path, const ReaderOptions& options, TimeBudget& budget);

  const StreamFacts& facts() const { return facts_; }
  // The number that next() gives.
  std::int64_t position() const { return position_; }
  // The next packet, valid until the next call; nullptr at the end of the file or where it is broken off.
  const AVPacket* next();
  void go_to(std::int64_t packet);

 private:
  void open();
  void fill_facts();
  bool read();
  void keep();

  std::string path_;
  ReaderOptions options_;
  TimeBudget& budget_;
  StreamFacts facts_;
  AvPtr<AVFormatContext> format_;
  AvPtr<AVPacket> packet_;
  int stream_ = -1;
  std::int64_t position_ = 0;
  std::vector<AvPtr<AVPacket>> kept_;
  std::int64_t kept_bytes_ = 0;
  enum class Keeping { kYes, kComplete, kTooLarge } keeping_ = Keeping::kYes;
};

}  // namespace glint::media
