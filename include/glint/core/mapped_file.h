#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace glint {

// A regular file opened for reading, its bytes in the address space: pages come in as they are touched, so that weights
// used in place cost no copy. Whoever points into data() shares the owner (std::shared_ptr). Writing there changes this
// process's copy of the page and never the file. A file that another process cuts short meanwhile ends this one
// (SIGBUS): glint's own writers replace files whole, which is safe.
class MappedFile {
 public:
  explicit MappedFile(std::filesystem::path path);  // Error where it cannot be opened or is no regular file
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }  // bytes
  std::byte* data() const { return data_; }     // null where the file is empty
  // Copies bytes [offset, offset + size), which must lie in the file, without touching the map's pages.
  void read(std::uint64_t offset, void* to, std::uint64_t size) const;
  // The same as a string. Error ("is cut short") where they do not lie in the file.
  std::string bytes(std::uint64_t offset, std::uint64_t size) const;

 private:
  struct Descriptor {
    int number = -1;
    ~Descriptor();
  };

  std::filesystem::path path_;
  Descriptor descriptor_;
  std::uint64_t size_ = 0;
  std::byte* data_ = nullptr;
};

}  // namespace glint
