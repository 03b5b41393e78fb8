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
  double max_seconds = 0;
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
  v.field("num_frames", c.num_frames, within(1, 4096), "largest number of frames of a clip (T in shapes)");
  v.field("sampling", c.sampling, one_of({"uniform_3fps", "clip4clip", "glscl", "xpool"}),
          "how frames are chosen: uniform_3fps, clip4clip, glscl, xpool (docs/methods.md 8)");
  v.field("fps", c.fps, above(0, 1e6), "candidate frames a second for the samplings glscl and clip4clip");
  v.field("max_seconds", c.max_seconds, within(0, 1e9),
          "longest time that is seen of a clip, from its start, seconds; what comes later is left out; 0: all of it");
  v.field("image_size", c.image_size, within(1, 4096).of_weights(),
          "side of the square picture that the image tower sees, pixels");
  v.field("fit", c.fit, one_of({"crop", "squash"}),
          "how a frame becomes a square: crop (its middle, as CLIP), squash (all of it, distorted, as SigLIP)");
  v.field("augment", c.augment, one_of({"none", "rand_augment", "resized_crop_flip"}).of_training(),
          "augmentation of training clips: none, rand_augment (as GLSCL), resized_crop_flip (as X-Pool)");
  v.field("apply_rotation", c.apply_rotation, any(),
          "mirror and turn the picture as the file's metadata says; false: do not, as the released loaders");
  v.field("timeout_s", c.timeout_s, above(0, 1e6).another_on_resume(),
          "longest computing time for one file, seconds; a file that needs more counts as bad");
  v.field("isolate", c.isolate, any().without_effect(),
          "decode in separate processes (glint-decode), so that a file that crashes its decoder is only a bad file");
  v.field("isolate_mb", c.isolate_mb, within(1, 1 << 24).without_effect(), "memory limit of each such process, MiB");
}

}  // namespace glint
