#pragma once

#include <cstdint>

namespace glint::media {

// How a stored picture becomes the one to show: mirrored left to right first, then turned.
struct Orientation {
  bool is_mirrored = false;
  int clockwise = 0;  // degrees: 0, 90, 180, 270

  bool is_sideways() const { return clockwise % 180 != 0; }
  bool operator==(const Orientation&) const = default;
};

// Of a display matrix as libav has it, nine numbers; the four that turn, mirror and scale count. Any but the eight
// orientations gives the nearest: the determinant's sign says whether it mirrors, then the angle is rounded to a
// quarter turn, the halfway one clockwise. A matrix without inverse (all zeros, say) shows nothing and so changes
// nothing.
Orientation orientation_of(const std::int32_t* matrix);

}  // namespace glint::media
