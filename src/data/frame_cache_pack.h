#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "data/frame_cache_format.h"
#include "glint/core/mapped_file.h"

namespace glint::cache {

std::filesystem::path index_path(const std::filesystem::path& folder);
std::filesystem::path pack_path(const std::filesystem::path& folder, std::uint64_t number);

// index.glint's records. Throws BadFile where it is damaged.
std::vector<Record> read_index(const std::filesystem::path& folder, std::uint64_t settings);

// A pack that is read from, while a builder may add to it or cut off what one that was killed had half written. Bytes
// are read, not mapped: a file cut short or a disk that fails is an exception then, and no SIGBUS. Thread-safe.
class PackFile {
 public:
  // Throws BadFile naming the pack where it is no sound one.
  PackFile(const std::filesystem::path& folder, std::uint64_t number, std::uint64_t settings);

  std::uint64_t size() const { return file_.size(); }  // bytes, when it was opened
  // Does the file, as it was opened, reach to the end of the record's payload?
  bool reaches(const Record& record) const;
  // The record's payload into `bytes`, whose memory is used again. False where the pack does not hold it any more, or
  // it does not match its checksum. Throws NotNow where the disk fails.
  bool read(const Record& record, std::vector<std::uint8_t>& bytes) const;

 private:
  MappedFile file_;
};

}  // namespace glint::cache
