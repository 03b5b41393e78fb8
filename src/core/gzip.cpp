#include "glint/core/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <vector>

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

// Unpacks one member after the other: cat a.gz b.gz, bgzip and gzip's append mode give files of several.
class Gunzip {
 public:
  Gunzip(std::string_view bytes, const std::filesystem::path& path, std::size_t limit_bytes)
      : rest_(bytes), path_(path), limit_bytes_(limit_bytes) {}

  std::string run() {
    do {
      unpack_member();
      // Blocks of a tape are filled up with zeros, which mean nothing.
      rest_.remove_prefix(std::min(rest_.find_first_not_of('\0'), rest_.size()));
    } while (!rest_.empty());
    return std::move(text_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw BadFile(path_.string(), ": ", what); }

  void unpack_member() {
    if (!rest_.starts_with("\x1F\x8B") && members_ > 0) {
      fail(concat("is damaged: ", rest_.size(), " bytes that are no gzip data follow its gzip data"));
    }
    auto& stream = inflater_.stream();
    GLINT_CHECK(inflateReset(&stream) == Z_OK, "zlib does not start anew");
    for (int state = Z_OK; state != Z_STREAM_END;) {
      const auto size = std::min(rest_.size(), kInputBytes);
      if (size == 0) fail("is cut short: its gzip data do not end");
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest_.data()));
      stream.avail_in = static_cast<uInt>(size);
      stream.next_out = reinterpret_cast<Bytef*>(chunk_.data());
      stream.avail_out = static_cast<uInt>(chunk_.size());
      state = inflate(&stream, Z_NO_FLUSH);
      rest_.remove_prefix(size - stream.avail_in);
      if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR) {
        fail("holds no gzip data, or they are damaged");
      }
      text_.append(chunk_.data(), chunk_.size() - stream.avail_out);
      if (text_.size() > limit_bytes_) fail(concat("unpacks to more than ", limit_bytes_, " bytes"));
    }
    ++members_;
  }

  Inflater inflater_;
  std::vector<char> chunk_ = std::vector<char>(kChunkBytes);
  std::string_view rest_;
  const std::filesystem::path& path_;
  std::size_t limit_bytes_;
  std::size_t members_ = 0;
  std::string text_;
};

}  // namespace

std::string gunzip(std::string_view bytes, const std::filesystem::path& path, std::size_t limit_bytes) {
  return Gunzip(bytes, path, limit_bytes).run();
}

}  // namespace glint
