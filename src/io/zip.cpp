#include "glint/io/zip.h"

#include <zlib.h>

#include <algorithm>
#include <fstream>

#include "glint/core/error.h"

// The parts of the format are read as PKWARE's APPNOTE gives them; offsets below are those of its tables.

namespace glint {
namespace {

constexpr std::uint64_t kEndBytes = 22;        // of the end record, without its comment
constexpr std::uint64_t kMaxComment = 0xFFFF;  // bytes
constexpr std::uint64_t kEntryBytes = 46;      // of an entry in the table of contents, without its name
constexpr std::uint64_t kHeaderBytes = 30;     // of a member's own header, without its name
constexpr std::uint64_t kMaxTable = 64 << 20;  // bytes; a million members
constexpr std::uint64_t kBestRatio = 1032;     // deflate packs no better

class ZipReader {
 public:
  explicit ZipReader(const std::filesystem::path& path) : path_(path), in_(path, std::ios::binary | std::ios::ate) {
    if (!in_) throw Error(path_.string(), ": cannot be opened");
    size_ = static_cast<std::uint64_t>(in_.tellg());
  }

  std::string bytes(std::uint64_t offset, std::uint64_t size) {
    if (offset > size_ || size > size_ - offset) fail("is cut short or damaged");
    std::string bytes(size, '\0');
    in_.seekg(static_cast<std::streamoff>(offset));
    in_.read(bytes.data(), static_cast<std::streamsize>(size));
    if (!in_) fail("cannot be read");
    return bytes;
  }

  // The table of contents, found from the record at the file's end.
  std::vector<ZipMember> members() {
    const std::uint64_t tail = std::min(size_, kEndBytes + kMaxComment);
    const std::string end = bytes(size_ - tail, tail);
    const auto record = end.rfind("PK\x05\x06");
    if (record == std::string::npos || end.size() - record < kEndBytes) fail("is no zip archive, or is cut short");
    const std::uint64_t count = number(end, record + 10, 2);
    const std::uint64_t table_size = number(end, record + 12, 4);
    const std::uint64_t table_offset = number(end, record + 16, 4);
    if (table_offset == 0xFFFFFFFF || count == 0xFFFF) fail("is a zip archive of more than 4 GiB or 65,534 members");
    if (table_size > kMaxTable) fail("has a table of contents that is too large");
    const std::string table = bytes(table_offset, table_size);
    std::vector<ZipMember> members;
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < count; ++i) members.push_back(member(table, at));
    return members;
  }

  // Where the member's bytes begin: behind its own header, whose name may be another than the table's.
  std::uint64_t data_offset(const ZipMember& member) {
    const std::string header = bytes(member.offset, kHeaderBytes);
    if (!header.starts_with("PK\x03\x04")) fail("is damaged: " + member.name + " is not where the table says");
    return member.offset + kHeaderBytes + number(header, 26, 2) + number(header, 28, 2);
  }

  [[noreturn]] void fail(const std::string& what) const { throw Error(path_.string(), ": ", what); }

 private:
  static std::uint64_t number(const std::string& bytes, std::size_t at, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
  }

  ZipMember member(const std::string& table, std::size_t& at) const {
    if (table.size() - at < kEntryBytes || table.compare(at, 4, "PK\x01\x02") != 0)
      fail("has a damaged table of contents");
    ZipMember member;
    member.is_encrypted = (number(table, at + 8, 2) & 1) != 0;
    member.method = static_cast<std::uint16_t>(number(table, at + 10, 2));
    member.crc = static_cast<std::uint32_t>(number(table, at + 16, 4));
    member.packed_size = number(table, at + 20, 4);
    member.size = number(table, at + 24, 4);
    member.offset = number(table, at + 42, 4);
    const auto name_size = number(table, at + 28, 2);
    const auto rest = name_size + number(table, at + 30, 2) + number(table, at + 32, 2);
    if (table.size() - at - kEntryBytes < rest) fail("has a damaged table of contents");
    member.name = table.substr(at + kEntryBytes, name_size);
    at += kEntryBytes + rest;
    return member;
  }

  const std::filesystem::path& path_;
  std::ifstream in_;
  std::uint64_t size_ = 0;
};

// Raw deflate data that unpack to exactly `size` bytes; empty where they do not.
std::string inflated(const std::string& packed, std::uint64_t size) {
  z_stream stream{};
  GLINT_CHECK(inflateInit2(&stream, -MAX_WBITS) == Z_OK, "zlib does not start");
  std::string bytes(size, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  const bool is_whole = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_out == 0;
  inflateEnd(&stream);
  return is_whole ? bytes : std::string();
}

}  // namespace

ZipArchive::ZipArchive(std::filesystem::path path) : path_(std::move(path)) {
  members_ = ZipReader(path_).members();
}

std::string ZipArchive::read(const ZipMember& member, std::size_t limit_bytes) const {
  ZipReader reader(path_);
  if (member.is_encrypted) reader.fail(member.name + " is encrypted");
  if (member.size > limit_bytes) reader.fail(concat(member.name, " unpacks to more than ", limit_bytes, " bytes"));
  const bool is_stored = member.method == 0;
  if (!is_stored && member.method != 8)
    reader.fail(member.name + " is packed in a way that is not known; pack it anew");
  const std::uint64_t most = is_stored ? member.packed_size : member.packed_size * kBestRatio;
  if (member.size > most) reader.fail(member.name + " is damaged: its sizes do not fit");
  std::string bytes = reader.bytes(reader.data_offset(member), member.packed_size);
  if (!is_stored) bytes = inflated(bytes, member.size);
  const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  if (bytes.size() != member.size || crc != member.crc) reader.fail(member.name + " is damaged");
  return bytes;
}

}  // namespace glint
