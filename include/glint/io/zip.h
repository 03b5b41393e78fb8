#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "glint/core/mapped_file.h"

namespace glint {

struct ZipMember {
  std::string name;  // with its folders: "annotations/train.json"
  std::uint64_t size = 0;
  std::uint64_t packed_size = 0;
  std::uint64_t offset = 0;  // of its header in the archive
  std::uint32_t crc = 0;     // 0 where its writer kept none (PyTorch can be told so)
  std::uint16_t method = 0;  // 0: stored, 8: deflate
  bool is_encrypted = false;
};

// A zip archive's table of contents. Members are stored or deflated; large archives (zip64) too.
class ZipArchive {
 public:
  explicit ZipArchive(std::filesystem::path path);  // Error where it is no such archive or is damaged
  const std::vector<ZipMember>& members() const { return members_; }
  // The member unpacked. Error where it is damaged, packed in another way, or larger than `limit_bytes`.
  std::string read(const ZipMember& member, std::size_t limit_bytes) const;
  // Where the bytes of a stored member lie in file(); they are checked against its checksum. Error as above, and where
  // it is packed.
  std::uint64_t stored_at(const ZipMember& member) const;
  const std::shared_ptr<const MappedFile>& file() const { return file_; }

 private:
  std::shared_ptr<const MappedFile> file_;
  std::vector<ZipMember> members_;
};

}  // namespace glint
