#include <cstdint>

#include "fuzz/scratch_file.h"
#include "glint/core/error.h"
#include "glint/io/zip.h"

// Any bytes as a zip archive, all its members unpacked.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static glint::fuzz::ScratchFile file(".zip");
  try {
    const glint::ZipArchive zip(file.holding(data, size));
    for (const auto& member : zip.members()) {
      try {
        GLINT_CHECK(zip.read(member, 1 << 20).size() == member.size, member.name, " has another size");
      } catch (const glint::Error&) {  // others may be whole
      }
    }
  } catch (const glint::Error&) {  // refused, as it should be
  }
  return 0;
}
