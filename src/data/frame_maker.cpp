#include "data/frame_maker.h"

#include <utility>

#include "glint/core/random.h"
#include "glint/media/resized_crop.h"

namespace glint {

FrameMaker::FrameMaker(const VideoConfig& video)
    : rand_augment_(video.augment == "rand_augment"),
      resized_crop_flip_(video.augment == "resized_crop_flip"),
      transform_(static_cast<int>(video.image_size), video.fit == "squash" ? Fit::kSquash : Fit::kCrop) {}

void FrameMaker::begin_clip(std::optional<std::uint64_t> key) {
  steps_.clear();
  crop_key_.reset();
  if (key && rand_augment_) {
    Random random({*key});
    steps_ = draw_rand_augment(random);
  }
  if (resized_crop_flip_) crop_key_ = key;
}

void FrameMaker::make(const Image& picture, std::uint8_t* out) {
  if (crop_key_) {
    Random random({*crop_key_});  // anew for each picture, so that all of one size give the same box
    transform_.apply(picture, draw_resized_crop(random, picture.width, picture.height), out);
  } else {
    transform_.apply(augment_.apply(picture, steps_), out);
  }
}

FrameMaker FrameMakerPool::take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return FrameMaker(video_);
  FrameMaker maker = std::move(idle_.back());
  idle_.pop_back();
  return maker;
}

void FrameMakerPool::give_back(FrameMaker maker) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(maker));
}

}  // namespace glint
