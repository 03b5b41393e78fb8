#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace glint {

struct ZipMember {
  std::string name;  // with its folders: "annotations/train.json"
  std::uint64_t size = 0;
  std::uint64_t packed_size = 0;
  std::uint64_t offset = 0;  // of its header in the archive
  std::uint32_t crc = 0;
  std::uint16_t method = 0;  // 0: stored, 8: deflate
  bool is_encrypted = false;
};

// A zip archive's table of contents. Archives and members below 4 GiB, stored or deflated.
class ZipArchive {
 public:
  explicit ZipArchive(std::filesystem::path path);  // Error where it is no such archive or is damaged
  const std::vector<ZipMember>& members() const { return members_; }
  // The member unpacked. Error where it is damaged, packed in another way, or larger than `limit_bytes`.
  std::string read(const ZipMember& member, std::size_t limit_bytes) const;

 private:
  std::filesystem::path path_;
  std::vector<ZipMember> members_;
};

}  // namespace glint
