#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "data/frame_cache_codec.h"
#include "glint/config/data_config.h"
#include "glint/config/video_config.h"

namespace glint::cache {

// What the files of this glint's decoding hold. Raised by whoever makes decoding, sampling or resizing give other
// pixels than before: caches made before are then refused.
inline constexpr int kDecoderVersion = 2;  // 2: mirrored pictures, clocks that begin anew

// settings.json of a cache.
struct Settings {
  bool keeps_pictures = false;  // at the size of the file, for augmentation; else frames as the towers take them
  Codec codec = Codec::kRaw;
  int quality = 0;         // jpeg
  std::uint64_t hash = 0;  // XXH3 of all of them; every other file of the cache repeats it
};

// The settings of `data` and `video` as the text of settings.json.
std::string settings_text(const DataConfig& data, const VideoConfig& video);

// Reads FOLDER/settings.json. Throws Error where it is not there or damaged, or where a cache with these settings does
// not give what `data` and `video` ask for, naming those that differ. Kept pictures serve any size and augmentation.
Settings read_settings(const std::filesystem::path& folder, const DataConfig& data, const VideoConfig& video);

}  // namespace glint::cache
