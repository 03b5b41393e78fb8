#pragma once

#include <memory>

#include "datasets/demo_plan.h"
#include "glint/media/image.h"

namespace glint::demo {

// Draws the pictures of one clip. Everything happens inside the central square of the picture, because that is what the
// models' centre crop keeps. Depends on the plan alone. Not thread-safe: one a thread.
class ClipRenderer {
 public:
  explicit ClipRenderer(const ClipPlan& clip);
  ~ClipRenderer();
  // The picture at `time_s` in [0, duration_s), upright. Valid until the next call.
  const Image& picture_at(double time_s);

 private:
  struct Impl;  // keeps OpenCV's headers out of this one
  std::unique_ptr<Impl> impl_;
};

// The picture turned by `degrees_clockwise` (0, 90, 180, 270).
Image turned(const Image& image, int degrees_clockwise);

}  // namespace glint::demo
