#include "glint/core/gzip.h"

#include <zlib.h>

#include <algorithm>

#include "glint/core/error.h"

namespace glint {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib: the largest window, a gzip header and its checksum
constexpr std::size_t kChunkBytes = 1 << 20;
constexpr std::size_t kInputBytes = 1 << 30;  // zlib counts its input in 32 bits

// Owns zlib's state.
class Inflater {
 public:
  Inflater() { GLINT_CHECK(inflateInit2(&stream_, kGzipWindow) == Z_OK, "zlib does not start"); }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_{};
};

}  // namespace

std::string gunzip(std::string_view bytes, const std::filesystem::path& path, std::size_t limit_bytes) {
  Inflater inflater;
  auto& stream = inflater.stream();
  std::string text;
  std::size_t taken = 0;
  for (int state = Z_OK; state != Z_STREAM_END;) {
    if (stream.avail_in == 0) {
      const auto size = std::min(bytes.size() - taken, kInputBytes);
      if (size == 0) throw Error(path.string(), ": is cut short: its gzip data do not end");
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + taken));
      stream.avail_in = static_cast<uInt>(size);
      taken += size;
    }
    const auto filled = text.size();
    text.resize(filled + kChunkBytes);
    stream.next_out = reinterpret_cast<Bytef*>(text.data() + filled);
    stream.avail_out = kChunkBytes;
    state = inflate(&stream, Z_NO_FLUSH);
    text.resize(text.size() - stream.avail_out);
    if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR) {
      throw Error(path.string(), ": holds no gzip data, or they are damaged");
    }
    if (text.size() > limit_bytes) throw Error(path.string(), ": unpacks to more than ", limit_bytes, " bytes");
  }
  return text;
}

}  // namespace glint
