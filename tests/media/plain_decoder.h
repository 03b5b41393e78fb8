#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace glint::test {

// The slow, obvious way to read a video, which judges the reader: FFmpeg's documented loop over the whole file, every
// frame converted with swscale's defaults, nothing turned. Stops after about `max_bytes` of pictures.
struct PlainFrame {
  std::uint64_t hash;  // of the RGB bytes, rows without gaps
  bool has_time;
  double time_s;  // best-effort timestamp
};
std::vector<PlainFrame> decode_plainly(const std::string& path, std::int64_t max_bytes);

}  // namespace glint::test
