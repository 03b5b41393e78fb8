#include "fuzz/scratch_file.h"

#include <unistd.h>

#include <fstream>

#include "glint/core/error.h"

namespace glint::fuzz {

namespace {

namespace fs = std::filesystem;

// In memory where the system has such a folder: on a disk, thousands of small files take minutes.
fs::path scratch_folder() {
  const fs::path in_memory = "/dev/shm";
  return fs::is_directory(in_memory) ? in_memory : fs::temp_directory_path();
}

}  // namespace

ScratchFile::ScratchFile(const std::string& extension)
    : path_(scratch_folder() / concat("glint_fuzz_", getpid(), extension)) {}

ScratchFile::~ScratchFile() {
  std::error_code ignored;  // a file that stays in the temporary folder harms nobody
  fs::remove(path_, ignored);
}

const fs::path& ScratchFile::holding(const std::uint8_t* data, std::size_t size) {
  std::ofstream out(path_, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  out.close();
  if (!out) throw Error(path_.string(), ": cannot be written");
  return path_;
}

}  // namespace glint::fuzz
