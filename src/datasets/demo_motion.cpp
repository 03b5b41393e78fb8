#include "datasets/demo_motion.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace glint::demo {
namespace {

constexpr double kSmallDiameter = 0.30;
constexpr double kLargeDiameter = 0.58;
constexpr double kLeastDiameter = 0.25;  // of what grows or shrinks
constexpr double kMostDiameter = 0.66;
constexpr double kOverhang = 0.14;  // of the diameter: how far what moves reaches over the square's edge
constexpr double kFade_s = 0.12;    // coming and going

double lerp(double from, double to, double share) {
  return from + (to - from) * share;
}

// Slow at both ends, as things move.
double eased(double progress) {
  return lerp(progress, progress * progress * (3 - 2 * progress), 0.5);
}

double diameter_of(Size size, Random& random) {
  return (size == Size::kSmall ? kSmallDiameter : kLargeDiameter) * random.uniform(0.95, 1.05);
}

}  // namespace

Performance::Performance(const Event& event, Random& random)
    : motion_(event.motion),
      diameter_(diameter_of(event.size, random)),
      aside_(random.uniform(-1, 1)),
      aside_too_(random.uniform(-1, 1)),
      turn_speed_(random.uniform(1.7, 2.6) * (random.chance(0.5) ? 1 : -1)),
      blink_s_(random.uniform(0.8, 1.0)) {}

Pose Performance::pose_at(double progress, double duration_s) const {
  const double time_s = progress * duration_s;
  const double start = diameter_ * (0.5 - kOverhang);
  const double way = lerp(start, 1 - start, eased(progress));
  const double across = 0.5 + aside_ * (0.5 - diameter_ / 2) * 0.8;
  Pose pose;
  pose.diameter = diameter_;
  pose.x = 0.5 + 0.08 * aside_;
  pose.y = 0.5 + 0.08 * aside_too_;
  pose.visibility = std::clamp(std::min(time_s, duration_s - time_s) / kFade_s, 0.0, 1.0);
  switch (motion_) {
    case Motion::kRise:
      pose.x = across;
      pose.y = 1 - way;
      break;
    case Motion::kFall:
      pose.x = across;
      pose.y = way;
      break;
    case Motion::kRight:
      pose.x = way;
      pose.y = across;
      break;
    case Motion::kLeft:
      pose.x = 1 - way;
      pose.y = across;
      break;
    case Motion::kSpin:
      pose.angle = turn_speed_ * time_s;
      break;
    case Motion::kGrow:
      pose.diameter = lerp(kLeastDiameter, kMostDiameter, eased(progress));
      break;
    case Motion::kShrink:
      pose.diameter = lerp(kMostDiameter, kLeastDiameter, eased(progress));
      break;
    case Motion::kBlink:
      pose.visibility *= std::fmod(time_s, blink_s_) < 0.55 * blink_s_ ? 1 : 0;
      break;
  }
  return pose;
}

Sway::Sway(bool left, Random& random)
    : x_((left ? 0.25 : 0.75) + random.uniform(-0.02, 0.02)),
      y_(0.5 + random.uniform(-0.15, 0.15)),
      diameter_(random.uniform(0.38, 0.44)),
      speed_(random.uniform(2, 4)),
      phase_(random.uniform(0, 2 * std::numbers::pi)) {}

Pose Sway::pose_at(double time_s) const {
  return {.x = x_, .y = y_ + 0.06 * std::sin(phase_ + speed_ * time_s), .diameter = diameter_};
}

}  // namespace glint::demo
