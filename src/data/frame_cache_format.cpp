#include "data/frame_cache_format.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "glint/core/error.h"
#include "glint/core/hash.h"

namespace glint::cache {

namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kByteOrder = 0x01020304;
constexpr char kRecordMark[] = "GLNTCLIP";
constexpr std::size_t kMaxPathBytes = 1 << 14;
constexpr const char* kAgain = "; delete it and run glint data cache again, which makes what is missing";

template <class Struct>
std::string bytes_of(const Struct& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// `offset` + sizeof(Struct) lies inside `bytes`.
template <class Struct>
Struct struct_at(Bytes bytes, std::uint64_t offset) {
  Struct value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::string file_header(const char* magic, FileHeader header) {
  std::memcpy(header.magic, magic, sizeof header.magic);
  header.format = kFormat;
  header.byte_order = kByteOrder;
  header.hash = xxhash64(&header, offsetof(FileHeader, hash));
  return bytes_of(header);
}

FileHeader parse_file_header(const fs::path& path, Bytes file, const char* magic, std::uint64_t settings) {
  if (file.size() < sizeof(FileHeader))
    throw BadFile(path.string(), ": is cut short: it has ", file.size(), " bytes", kAgain);
  const auto header = struct_at<FileHeader>(file, 0);
  if (std::memcmp(header.magic, magic, sizeof header.magic) != 0)
    throw BadFile(path.string(), ": is not a file of a frame cache, or its start is damaged", kAgain);
  if (header.byte_order != kByteOrder)
    throw Error(path.string(), ": was written on a machine of another byte order; make the cache anew on this one");
  if (header.format != kFormat) {
    throw Error(path.string(), ": has format ", header.format, " of the frame cache, this glint reads format ", kFormat,
                "; make the cache anew in another folder");
  }
  if (header.hash != xxhash64(&header, offsetof(FileHeader, hash)))
    throw BadFile(path.string(), ": its header is damaged", kAgain);
  if (header.settings != settings)
    throw BadFile(path.string(), ": belongs to a cache made with other settings than settings.json beside it", kAgain);
  return header;
}

std::optional<double> window_end(double time_s) {
  return std::isnan(time_s) ? std::nullopt : std::optional(time_s);
}

// The record whose header stands at `offset`, its own checksum checked; none elsewhere. Its payload is not looked at.
std::optional<Record> parse_record(Bytes bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(RecordHeader)) return std::nullopt;
  const auto header = struct_at<RecordHeader>(bytes, offset);
  const auto path_begin = offset + sizeof(RecordHeader);
  if (std::memcmp(header.mark, kRecordMark, sizeof header.mark) != 0) return std::nullopt;
  if (header.path_bytes > kMaxPathBytes || header.path_bytes > bytes.size() - path_begin) return std::nullopt;
  Record record;
  record.source = {{reinterpret_cast<const char*>(bytes.data()) + path_begin, header.path_bytes},
                   header.source_bytes,
                   header.source_hash,
                   header.source_time_ns};
  record.start_s = window_end(header.start_s);
  record.end_s = window_end(header.end_s);
  record.pictures = header.pictures;
  record.pack = header.pack;
  record.payload_offset = header.payload_offset;
  record.payload_bytes = header.payload_bytes;
  record.payload_hash = header.payload_hash;
  const std::string text = bytes_of(header).substr(0, offsetof(RecordHeader, hash)) + record.source.path;
  if (header.hash != xxhash64(text.data(), text.size())) return std::nullopt;
  return record;
}

}  // namespace

std::uint64_t aligned(std::uint64_t offset) {
  return (offset + kAlignment - 1) / kAlignment * kAlignment;
}

std::string pack_header(std::uint64_t settings, std::uint64_t number) {
  return file_header(kPackMagic, {.settings = settings, .number = number});
}

std::string record_bytes(const Record& record) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  GLINT_CHECK(record.source.path.size() <= kMaxPathBytes, record.source.path.size(), " bytes of path");
  RecordHeader header{};
  std::memcpy(header.mark, kRecordMark, sizeof header.mark);
  header.path_bytes = static_cast<std::uint32_t>(record.source.path.size());
  header.pictures = record.pictures;
  header.source_bytes = record.source.bytes;
  header.source_hash = record.source.hash;
  header.source_time_ns = record.source.time_ns;
  header.start_s = record.start_s.value_or(kNone);
  header.end_s = record.end_s.value_or(kNone);
  header.pack = record.pack;
  header.payload_offset = record.payload_offset;
  header.payload_bytes = record.payload_bytes;
  header.payload_hash = record.payload_hash;
  const std::string text = bytes_of(header).substr(0, offsetof(RecordHeader, hash)) + record.source.path;
  header.hash = xxhash64(text.data(), text.size());
  return bytes_of(header) + record.source.path;
}

std::string index_bytes(std::uint64_t settings, const std::vector<Record>& records) {
  std::string body;
  for (const auto& record : records) body += record_bytes(record);
  return file_header(kIndexMagic, {.settings = settings,
                                   .number = records.size(),
                                   .body_bytes = body.size(),
                                   .body_hash = xxhash64(body.data(), body.size())}) +
         body;
}

void check_pack_header(const fs::path& path, Bytes file, std::uint64_t settings, std::uint64_t number) {
  const auto header = parse_file_header(path, file, kPackMagic, settings);
  if (header.number != number)
    throw BadFile(path.string(), ": is pack ", header.number, " by its header, not ", number, "; was it renamed?");
}

std::vector<Record> parse_index(const fs::path& path, Bytes file, std::uint64_t settings) {
  const auto header = parse_file_header(path, file, kIndexMagic, settings);
  const Bytes body = file.subspan(sizeof(FileHeader));
  if (header.body_bytes != body.size()) {
    throw BadFile(path.string(), ": is cut short: ", body.size(), " of ", header.body_bytes,
                  " bytes stand after its header", kAgain);
  }
  if (header.body_hash != xxhash64(body.data(), body.size()))
    throw BadFile(path.string(), ": does not match its checksum: it is damaged", kAgain);
  std::vector<Record> records;
  std::uint64_t offset = 0;
  while (offset < body.size()) {
    const auto record = parse_record(body, offset);
    if (!record) throw BadFile(path.string(), ": record ", records.size(), " is damaged", kAgain);
    offset += sizeof(RecordHeader) + record->source.path.size();
    records.push_back(*record);
  }
  if (records.size() != header.number)
    throw BadFile(path.string(), ": holds ", records.size(), " records, not the ", header.number, " it claims", kAgain);
  return records;
}

std::vector<PictureHeader> parse_pictures(const fs::path& path, const Record& record, Bytes payload) {
  std::uint64_t end = aligned(std::uint64_t{record.pictures} * sizeof(PictureHeader));
  bool fits = end <= payload.size();
  std::vector<PictureHeader> pictures(fits ? record.pictures : 0);
  for (std::size_t i = 0; fits && i < pictures.size(); ++i) {
    pictures[i] = struct_at<PictureHeader>(payload, i * sizeof(PictureHeader));
    fits = pictures[i].bytes <= payload.size() - end;
    end += pictures[i].bytes;
  }
  if (!fits || end != payload.size())
    throw BadFile(path.string(), ": the pictures of ", record.source.path, " do not fit their ", payload.size(),
                  " bytes");
  return pictures;
}

std::optional<Record> record_at(Bytes pack, std::uint64_t number, std::uint64_t offset) {
  const auto record = parse_record(pack, offset);
  if (!record || record->pack != number) return std::nullopt;
  if (record->payload_offset != aligned(offset + sizeof(RecordHeader) + record->source.path.size()))
    return std::nullopt;
  if (record->payload_offset > pack.size() || record->payload_bytes > pack.size() - record->payload_offset)
    return std::nullopt;
  if (xxhash64(pack.data() + record->payload_offset, record->payload_bytes) != record->payload_hash)
    return std::nullopt;
  return record;
}

}  // namespace glint::cache
