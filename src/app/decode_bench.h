#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "glint/media/video_reader.h"

namespace glint::app {

struct DecodeBenchOptions {
  std::string path;      // a video or a folder of them
  int64_t frames = 12;   // N, of the uniform_3fps grid
  int64_t size = 224;    // R, pixels
  int64_t threads = 1;   // videos decoded at once
  int64_t repeats = 3;   // passes over all videos, of which the fastest counts
  bool compare = false;  // with decoding in order and with a seek for every frame
};

// A video's result: uint8 [N, 3, R, R], of a shorter video fewer frames.
struct DecodedVideo {
  std::filesystem::path file;
  std::vector<double> times_s;  // of its frames
  std::string sha256;           // of those bytes
};

struct Unreadable {
  std::filesystem::path file;
  std::string cause;
};

// All videos read one way, the fastest pass.
struct DecodeTime {
  std::string name;
  double seconds = std::numeric_limits<double>::infinity();
  double cpu_seconds = 0;  // of that pass, all threads together: what stays the same on a busy machine
  int64_t runs = 0;
  ReadingTime reading = {};  // ours: of all threads together, as is the next
  double resize_s = 0;
  std::optional<int64_t> peak_bytes = {};        // resident beyond the program's own, first pass
  std::optional<int64_t> different_videos = {};  // whose frames are not those of the plan, byte for byte
};

struct DecodeReport {
  std::vector<DecodedVideo> videos;
  std::vector<Unreadable> unreadable;
  int64_t frames = 0;
  std::vector<DecodeTime> ways;  // ours first
};

// Opens each video, finds the N frames, decodes them and makes of them what the towers see. Throws Error where no video
// can be read. Says on stderr how far it is.
DecodeReport bench_decode(const DecodeBenchOptions& options);

// The words that repeat this run.
std::string bench_command_line(const DecodeBenchOptions& options);

// An array of objects, one a way, each with its command; the first one names the files.
std::string report_json(const DecodeReport& report, const DecodeBenchOptions& options);
std::string report_table(const DecodeReport& report, const DecodeBenchOptions& options);

}  // namespace glint::app
