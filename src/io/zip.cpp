#include "glint/io/zip.h"

#include <zlib.h>

#include <algorithm>

#include "glint/core/error.h"
#include "glint/core/file_kind.h"
#include "glint/core/little_endian.h"
#include "io/zip_format.h"

// The parts of the format are read as PKWARE's APPNOTE gives them; offsets below are those of its tables.

namespace glint {
namespace {

constexpr std::uint64_t kEndBytes = 22;           // of the end record, without its comment
constexpr std::uint64_t kMaxComment = 0xFFFF;     // bytes
constexpr std::uint64_t kEnd64Bytes = 56;         // of zip64's end record
constexpr std::uint64_t kEnd64LocatorBytes = 20;  // of what stands between the two and says where the first is
constexpr std::uint64_t kEntryBytes = 46;         // of an entry in the table of contents, without its name
constexpr std::uint64_t kMaxTable = 64 << 20;     // bytes; a million members
constexpr std::uint64_t kBestRatio = 1032;        // deflate packs no better

class ZipReader {
 public:
  explicit ZipReader(const MappedFile& file) : file_(file) {}

  std::string bytes(std::uint64_t offset, std::uint64_t size) const {
    if (offset > file_.size() || size > file_.size() - offset) fail("is cut short or damaged");
    return file_.bytes(offset, size);
  }

  // The table of contents, found from the record at the file's end.
  std::vector<ZipMember> members() const {
    const Table table = find_table();
    if (table.size > kMaxTable) fail("has a table of contents that is too large");
    const std::string text = bytes(table.offset, table.size);
    std::vector<ZipMember> members;
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < table.count; ++i) members.push_back(member(text, at));
    check_apart(members);
    return members;
  }

  // Where the member's bytes begin: behind its own header, whose name may be another than the table's.
  std::uint64_t data_offset(const ZipMember& member) const {
    const std::string header = bytes(member.offset, kZipHeaderBytes);
    if (!header.starts_with("PK\x03\x04")) fail("is damaged: " + member.name + " is not where the table says");
    const std::uint64_t offset = member.offset + kZipHeaderBytes + number(header, 26, 2) + number(header, 28, 2);
    if (offset > file_.size() || member.packed_size > file_.size() - offset) fail("is cut short or damaged");
    return offset;
  }

  void check_readable(const ZipMember& member, std::uint64_t limit_bytes) const {
    if (member.is_encrypted) fail(member.name + " is encrypted");
    if (member.size > limit_bytes) fail(concat(member.name, " unpacks to more than ", limit_bytes, " bytes"));
    if (member.method != 0 && member.method != 8)
      fail(member.name + " is packed in a way that is not known; pack it anew");
    const bool fits = member.method == 0 ? member.size == member.packed_size
                                         : member.size / kBestRatio <= member.packed_size &&
                                               member.packed_size / 2 <= member.size + kBestRatio;
    if (!fits) fail(member.name + " is damaged: its sizes do not fit");
  }

  void check_content(const ZipMember& member, const void* bytes) const {
    if (member.crc == 0) return;
    if (crc32_z(0, static_cast<const Bytef*>(bytes), member.size) != member.crc) fail(member.name + " is damaged");
  }

  [[noreturn]] void fail(const std::string& what) const { throw Error(file_.path().string(), ": ", what); }

 private:
  struct Table {
    std::uint64_t count, size, offset;
  };

  static std::uint64_t number(const std::string& bytes, std::size_t at, std::size_t size) {
    return from_little_endian(std::string_view(bytes).substr(at, size));
  }

  Table find_table() const {
    const std::uint64_t tail = std::min(file_.size(), kEndBytes + kMaxComment);
    const std::string end = bytes(file_.size() - tail, tail);
    const auto record = end.rfind("PK\x05\x06");
    if (record == std::string::npos || end.size() - record < kEndBytes) {
      const bool is_zip = file_.size() >= 4 && file_.bytes(0, 4) == "PK\x03\x04";
      if (is_zip) fail("is cut short: it begins as a zip archive and does not end as one; fetch it anew");
      refuse_file(file_.path(), "is no zip archive, or is cut short");
    }
    const Table table{number(end, record + 10, 2), number(end, record + 12, 4), number(end, record + 16, 4)};
    if (table.count != 0xFFFF && table.size != kZipIn64 && table.offset != kZipIn64) return table;
    return find_table64(file_.size() - tail + record, table);
  }
  // `plain`: what the old record says, which holds where zip64's is not there.
  Table find_table64(std::uint64_t end_record, const Table& plain) const {
    if (end_record < kEnd64LocatorBytes) return plain;
    const std::string locator = bytes(end_record - kEnd64LocatorBytes, kEnd64LocatorBytes);
    if (!locator.starts_with("PK\x06\x07")) return plain;
    const std::string record = bytes(number(locator, 8, 8), kEnd64Bytes);
    if (!record.starts_with("PK\x06\x06")) fail("is damaged: its zip64 record is not where it should be");
    return {number(record, 32, 8), number(record, 40, 8), number(record, 48, 8)};
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
    const auto extra_size = number(table, at + 30, 2);
    const auto rest = name_size + extra_size + number(table, at + 32, 2);
    if (table.size() - at - kEntryBytes < rest) fail("has a damaged table of contents");
    member.name = table.substr(at + kEntryBytes, name_size);
    read_extra64(table.substr(at + kEntryBytes + name_size, extra_size), member);
    at += kEntryBytes + rest;
    return member;
  }
  // zip64's extra field: those of the three numbers that had no room in the entry, one after the other.
  void read_extra64(const std::string& extra, ZipMember& member) const {
    for (std::size_t at = 0; extra.size() - at >= 4;) {
      const auto kind = number(extra, at, 2);
      const auto size = number(extra, at + 2, 2);
      at += 4;
      if (size > extra.size() - at) return;  // other tools' extra fields are none of our business
      std::size_t next = at;
      for (auto* value : {&member.size, &member.packed_size, &member.offset}) {
        if (kind != 1 || *value != kZipIn64) continue;
        if (next + 8 > at + size) fail("has a damaged table of contents");
        *value = number(extra, next, 8);
        next += 8;
      }
      at += size;
    }
  }

  // Members that share bytes make small archives large ones.
  void check_apart(const std::vector<ZipMember>& members) const {
    std::vector<const ZipMember*> ordered;
    for (const auto& member : members) ordered.push_back(&member);
    std::sort(ordered.begin(), ordered.end(), [](const auto* a, const auto* b) { return a->offset < b->offset; });
    for (std::size_t i = 1; i < ordered.size(); ++i) {
      const auto& before = *ordered[i - 1];
      const auto room = ordered[i]->offset - before.offset;
      if (room < kZipHeaderBytes || before.packed_size > room - kZipHeaderBytes)
        fail(concat("is damaged: ", before.name, " and ", ordered[i]->name, " overlap"));
    }
  }

  const MappedFile& file_;
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

ZipArchive::ZipArchive(std::filesystem::path path) : file_(std::make_shared<const MappedFile>(std::move(path))) {
  members_ = ZipReader(*file_).members();
}

std::string ZipArchive::read(const ZipMember& member, std::size_t limit_bytes) const {
  const ZipReader reader(*file_);
  reader.check_readable(member, std::min<std::uint64_t>(limit_bytes, UINT32_MAX));  // zlib counts in 32 bits
  std::string bytes = reader.bytes(reader.data_offset(member), member.packed_size);
  if (member.method != 0) bytes = inflated(bytes, member.size);
  if (bytes.size() != member.size) reader.fail(member.name + " is damaged");
  reader.check_content(member, bytes.data());
  return bytes;
}

std::uint64_t ZipArchive::stored_at(const ZipMember& member) const {
  const ZipReader reader(*file_);
  reader.check_readable(member, file_->size());
  if (member.method != 0) reader.fail(member.name + " is packed, and it must be stored as it is; pack it anew");
  const std::uint64_t offset = reader.data_offset(member);
  if (member.size > 0) reader.check_content(member, file_->data() + offset);
  return offset;
}

}  // namespace glint
