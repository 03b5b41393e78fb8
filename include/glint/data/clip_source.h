#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "glint/config/config.h"
#include "glint/data/dataset.h"

namespace glint {

// The frames of one clip as the towers take them. T = video.num_frames, R = video.image_size. Shared with the cache:
// read only.
struct ClipFrames {
  torch::Tensor frames;  // uint8 [T, 3, R, R]; zeros where the clip is shorter
  torch::Tensor mask;    // int64 [T]; 1 on real frames
  std::string error;     // why the file gave none (frames zero, mask all zero); empty where it did
};

// File -> frames: opens, samples, decodes, augments and transforms. Thread-safe. A file that failed is logged once and
// not tried again. Keeps clips in memory until data.cache_mb are full; those stay: as the towers take them, or, with
// video.augment, their pictures at the size of the file, since each epoch makes other frames of them (12 frames of
// 224 x 224 take 1.8 MB, of 320 x 240 2.8 MB, of 1280 x 720 33 MB).
class ClipSource {
 public:
  ClipSource(const DataConfig& data, const VideoConfig& video);
  ~ClipSource();

  // As evaluation sees the clip, or, with a key, as training does: augmented as video.augment says, one draw for all
  // frames, made from `augment_key` alone.
  ClipFrames read(const Clip& clip, std::optional<uint64_t> augment_key = std::nullopt);

  int64_t num_frames() const;  // T
  int64_t image_size() const;  // R

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace glint
