#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace glint::test {

// What the packets of a file say, so that a test can hold that the file is as hostile as it claims.
struct PacketFacts {
  std::int64_t packets = 0;
  std::int64_t keyframes = 0;
  std::int64_t leading = 0;    // shown before the keyframe that they are stored behind: an open group of pictures
  std::int64_t reordered = 0;  // shown before one that is stored before them: B-frames
  std::int64_t discarded = 0;  // outside the edit list
  std::int64_t empty = 0;      // too short to hold a picture
  std::int64_t joined = 0;     // several VP9 pictures in one packet: a hidden one with a shown one
  int temporal_layers = 1;     // HEVC, as the header says
};
std::ostream& operator<<(std::ostream& out, const PacketFacts& facts);
PacketFacts packet_facts(const std::filesystem::path& path);

// A kind of video file that readers get wrong, written by this machine's encoder.
struct HostileKind {
  std::string name;     // "H264OpenGop"
  std::string encoder;  // as libav names it
  std::string file;     // name of the file, for its extension
  std::int64_t frames;  // shown; 0: some of kHostileFrames, the file is cut
  std::function<void(const std::filesystem::path&)> write;
  std::function<bool(const PacketFacts&)> holds;
};
std::ostream& operator<<(std::ostream& out, const HostileKind& kind);
constexpr std::int64_t kHostileFrames = 60;

const std::vector<HostileKind>& hostile_kinds();
bool has_encoder(const std::string& name);

}  // namespace glint::test
