#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "glint/core/mapped_file.h"

// The files of a frame cache as bytes (docs/formats.md). Whatever is read here may be anyone's: a size is believed once
// it fits the file, content once its checksum does.

namespace glint::cache {

inline constexpr std::uint32_t kFormat = 1;
inline constexpr char kPackMagic[] = "GLNTPACK";
inline constexpr char kIndexMagic[] = "GLNTINDX";
inline constexpr std::uint64_t kAlignment = 64;  // of records and of their pictures, bytes

using Bytes = std::span<const std::uint8_t>;

inline Bytes content_of(const MappedFile& file) {
  return {reinterpret_cast<const std::uint8_t*>(file.data()), file.size()};
}

// First in every file. Numbers stand as the machine stores them, and `byte_order` tells which way that is.
struct FileHeader {
  char magic[8] = {};
  std::uint32_t format = 0;
  std::uint32_t byte_order = 0;  // 0x01020304
  std::uint64_t settings = 0;    // XXH3 of the settings that the pixels depend on
  std::uint64_t number = 0;      // pack: its own; index: how many records follow
  std::uint64_t body_bytes = 0;  // index: all that follows; pack: 0
  std::uint64_t body_hash = 0;   // index: XXH3 of it; pack: 0
  std::uint64_t unused = 0;
  std::uint64_t hash = 0;  // XXH3 of the 56 bytes before
};
static_assert(sizeof(FileHeader) == 64);

// Before the path of its source; in a pack then come its pictures, in the index the next record.
struct RecordHeader {
  char mark[8] = {};  // "GLNTCLIP"
  std::uint32_t path_bytes = 0;
  std::uint32_t pictures = 0;
  std::uint64_t source_bytes = 0;
  std::uint64_t source_hash = 0;    // XXH3 of the file
  std::int64_t source_time_ns = 0;  // when it was last written
  double start_s = 0;               // the clip's window in the file; NaN: none
  double end_s = 0;
  std::uint64_t pack = 0;
  std::uint64_t payload_offset = 0;  // in the pack
  std::uint64_t payload_bytes = 0;
  std::uint64_t payload_hash = 0;
  std::uint64_t hash = 0;  // XXH3 of the 88 bytes before and the path
};
static_assert(sizeof(RecordHeader) == 96);

// The payload begins with one of these a picture, padded to kAlignment; then their bytes, one after the other.
struct PictureHeader {
  std::uint32_t width = 0;  // pixels
  std::uint32_t height = 0;
  std::uint64_t bytes = 0;
};
static_assert(sizeof(PictureHeader) == 16);

// A file that clips are cut from, as it was when it was cached.
struct Source {
  std::string path;  // absolute
  std::uint64_t bytes = 0;
  std::uint64_t hash = 0;
  std::int64_t time_ns = 0;
  bool operator==(const Source&) const = default;
};

// A clip and where its pictures stand.
struct Record {
  Source source;
  std::optional<double> start_s;
  std::optional<double> end_s;
  std::uint32_t pictures = 0;
  std::uint64_t pack = 0;
  std::uint64_t payload_offset = 0;
  std::uint64_t payload_bytes = 0;
  std::uint64_t payload_hash = 0;
  bool operator==(const Record&) const = default;
};

std::uint64_t aligned(std::uint64_t offset);

std::string pack_header(std::uint64_t settings, std::uint64_t number);
std::string record_bytes(const Record& record);
std::string index_bytes(std::uint64_t settings, const std::vector<Record>& records);

// These throw BadFile naming `path` (`file` is its content) and what is damaged, Error where another glint wrote it.
void check_pack_header(const std::filesystem::path& path, Bytes file, std::uint64_t settings, std::uint64_t number);
std::vector<Record> parse_index(const std::filesystem::path& path, Bytes file, std::uint64_t settings);
std::vector<PictureHeader> parse_pictures(const std::filesystem::path& path, const Record& record, Bytes payload);

// The record at `offset` of pack `number`, whole and with sound pictures; none where it is cut short or is none.
std::optional<Record> record_at(Bytes pack, std::uint64_t number, std::uint64_t offset);

}  // namespace glint::cache
