#include "eval/feature_parts.h"

#include <algorithm>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTextsAPart = 1024;
constexpr std::size_t kClipsAPart = 64;

std::vector<FeaturePart> cut(const fs::path& folder, const std::string& kind, std::size_t count, std::size_t a_part) {
  std::vector<FeaturePart> parts;
  for (std::size_t begin = 0; begin < count; begin += a_part) {
    auto number = std::to_string(begin);
    number.insert(0, number.size() < 9 ? 9 - number.size() : 0, '0');
    parts.push_back({folder / concat(kind, "_", number, ".safetensors"), begin, std::min(count, begin + a_part)});
  }
  return parts;
}

}  // namespace

FeatureParts::FeatureParts(const fs::path& out, const std::string& key, std::size_t texts, std::size_t clips)
    : folder_(out.string() + ".parts"),
      key_(key),
      texts_(cut(folder_, "text", texts, kTextsAPart)),
      clips_(cut(folder_, "video", clips, kClipsAPart)) {}

void FeatureParts::prepare() const {
  const auto file = folder_ / "key";
  if (files::exists(file) && read_file(file) == key_) return;
  files::remove_all(folder_);
  files::make_folders(folder_);
  write_file(file, key_);
}

void FeatureParts::remove() const {
  files::remove_all(folder_);
}

}  // namespace glint
