#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
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

// File -> frames: opens, samples, decodes and transforms. Thread-safe. Keeps decoded clips in memory until
// data.cache_mb are full; those stay. A file that failed is logged once and not tried again.
class ClipSource {
 public:
  ClipSource(const DataConfig& data, const VideoConfig& video);
  ~ClipSource();
  ClipFrames read(const Clip& clip);

  int64_t num_frames() const;  // T
  int64_t image_size() const;  // R

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace glint
