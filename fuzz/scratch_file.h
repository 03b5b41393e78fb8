#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace glint::fuzz {

// One file, overwritten for each input, for readers that take a path.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& extension = {});  // ".csv", where the reader goes by it
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  // The file's path, its content now the bytes.
  const std::filesystem::path& holding(const std::uint8_t* data, std::size_t size);

 private:
  std::filesystem::path path_;
};

}  // namespace glint::fuzz
