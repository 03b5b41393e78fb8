#pragma once

#include "datasets/demo_plan.h"
#include "glint/core/random.h"

namespace glint::demo {

// Where a shape is and how it looks at one moment. Lengths are shares of the central square's side; x to the right and
// y down, from the square's upper left corner.
struct Pose {
  double x = 0.5;
  double y = 0.5;
  double diameter = 0.5;
  double angle = 0;       // radians clockwise
  double visibility = 1;  // 0: not there
};

// One event of a clip with everything that is left to chance: places, speeds, directions of turning.
class Performance {
 public:
  Performance(const Event& event, Random& random);
  // `progress` in [0, 1) through the event, which lasts `duration_s`.
  Pose pose_at(double progress, double duration_s) const;

 private:
  Motion motion_;
  double diameter_;
  double aside_;  // of the place across the way, or of the centre
  double aside_too_;
  double turn_speed_;  // radians a second
  double blink_s_;     // one blink, on and off
};

// A thing of a moment: it sways at its place on the left or on the right, in sight from the first frame to the last.
class Sway {
 public:
  Sway(bool left, Random& random);
  Pose pose_at(double time_s) const;

 private:
  double x_;
  double y_;
  double diameter_;
  double speed_;  // radians a second
  double phase_;
};

}  // namespace glint::demo
