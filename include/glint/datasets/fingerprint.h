#pragma once

#include <cstdint>
#include <string>

#include "glint/datasets/dataset.h"

namespace glint {

// What a split holds, in its order: counts, and hashes of 16 hexadecimal digits.
struct DataFingerprint {
  int64_t clips = 0;
  int64_t captions = 0;
  std::string clip_ids;
  std::string windows;        // start and end of every clip in its file
  std::string caption_texts;  // with the clip each belongs to
  bool operator==(const DataFingerprint&) const = default;
};

DataFingerprint fingerprint(const Dataset& dataset);

// What is unlike: "the captions, 20 then and 21 now"; empty where nothing is.
std::string difference(const DataFingerprint& then, const DataFingerprint& now);

}  // namespace glint
