#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "glint/config/video_config.h"
#include "glint/media/frame_transform.h"
#include "glint/media/rand_augment.h"

namespace glint {

// Makes what the towers see of decoded pictures, augmented in training. Keeps tables and buffers; for one thread.
class FrameMaker {
 public:
  explicit FrameMaker(const VideoConfig& video);

  // For the pictures of one clip: what video.augment draws is drawn from `key` alone, once for all of them; without a
  // key they become what evaluation sees.
  void begin_clip(std::optional<std::uint64_t> key);
  // -> `out`: uint8 [3, R, R].
  void make(const Image& picture, std::uint8_t* out);

 private:
  bool rand_augment_;
  bool resized_crop_flip_;
  FrameTransform transform_;
  RandAugment augment_;
  std::vector<AugmentStep> steps_;         // of this clip
  std::optional<std::uint64_t> crop_key_;  // of this clip; its box depends on the picture's size besides
};

// Lends each thread a maker.
class FrameMakerPool {
 public:
  explicit FrameMakerPool(const VideoConfig& video) : video_(video) {}
  FrameMaker take();
  void give_back(FrameMaker maker);

 private:
  const VideoConfig video_;
  std::mutex mutex_;
  std::vector<FrameMaker> idle_ = {};
};

}  // namespace glint
