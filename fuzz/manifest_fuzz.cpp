#include <array>

#include "datasets/manifest_rows.h"
#include "fuzz/scratch_file.h"
#include "glint/core/error.h"

// Any bytes as a manifest of each kind.

namespace {

void read(const std::filesystem::path& path) {
  try {
    for (const auto& row : glint::read_manifest_rows(path)) {
      GLINT_CHECK(!row.video.empty() && !row.id.empty() && !row.captions.empty(), row.where, " lacks a field");
      GLINT_CHECK(!row.end_s || *row.end_s > row.start_s.value_or(0), row.where, " has an empty window");
    }
  } catch (const glint::Error&) {  // refused, as it should be
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::array<glint::fuzz::ScratchFile, 2> files = {glint::fuzz::ScratchFile(".csv"),
                                                          glint::fuzz::ScratchFile(".json")};
  for (auto& file : files) read(file.holding(data, size));  // .json stands for JSON lines too
  return 0;
}
