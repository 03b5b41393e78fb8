#pragma once

#include <cstdint>
#include <string>

#include "glint/config/setting_rule.h"

namespace glint {

// video.*: from a video file to T frames of R x R pixels.
struct VideoConfig {
  int64_t num_frames = 12;
  std::string sampling = "glscl";
  double fps = 1.0;
  int64_t image_size = 224;
  std::string fit = "crop";
  std::string augment = "none";
  bool apply_rotation = true;
  double timeout_s = 60;
  bool isolate = false;
  int64_t isolate_mb = 4096;
};

template <class Visitor>
void describe(Visitor& v, VideoConfig& c) {
  v.field("num_frames", c.num_frames, within(1, 4096), "T, frames a clip at most");
  v.field("sampling", c.sampling, one_of({"uniform_3fps", "clip4clip", "glscl", "xpool"}),
          "uniform_3fps, clip4clip, glscl, xpool");
  v.field("fps", c.fps, above(0, 1e6), "glscl, clip4clip: frames a second that are candidates");
  v.field("image_size", c.image_size, within(1, 4096).of_weights(), "R, side of the square the towers see, pixels");
  v.field("fit", c.fit, one_of({"crop", "squash"}),
          "into the square: crop (the middle, CLIP's), squash (all of it, SigLIP's)");
  v.field("augment", c.augment, one_of({"none", "rand_augment", "resized_crop_flip"}).of_training(),
          "of training clips: none, rand_augment (GLSCL), resized_crop_flip (X-Pool)");
  v.field("apply_rotation", c.apply_rotation, any(),
          "mirror and turn phone videos as they say; false as in the reference loaders");
  v.field("timeout_s", c.timeout_s, above(0, 1e6).another_on_resume(),
          "longest computing time one file may take, seconds");
  v.field("isolate", c.isolate, any().without_effect(),
          "decode in processes of their own (glint-decode): a file that crashes its decoder is a bad file");
  v.field("isolate_mb", c.isolate_mb, within(1, 1 << 24).without_effect(),
          "isolate: memory that such a process may have, MiB");
}

}  // namespace glint
