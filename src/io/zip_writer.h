#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "glint/core/atomic_file.h"

namespace glint {

// A zip archive of stored members, whose bytes begin at multiples of 64 as PyTorch has them; atomic. Archives and
// members above 4 GiB are zip64.
class ZipWriter {
 public:
  explicit ZipWriter(std::filesystem::path path) : file_(std::move(path)) {}
  void add(const std::string& name, const void* bytes, std::uint64_t size);
  void add(const std::string& name, std::string_view text) { add(name, text.data(), text.size()); }
  // Writes the table of contents; the file is there from then on.
  void finish();

 private:
  void write(std::string_view bytes);

  AtomicFile file_;
  std::uint64_t at_ = 0;
  std::string table_;
  std::uint64_t count_ = 0;
};

}  // namespace glint
