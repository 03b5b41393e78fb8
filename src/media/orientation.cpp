#include "media/orientation.h"

#include <cmath>
#include <numbers>

namespace glint::media {

// The point (x, y) of the stored picture, y downwards, is shown at (a x + c y, b x + d y).
Orientation orientation_of(const std::int32_t* matrix) {
  double a = matrix[0], b = matrix[1];
  const double c = matrix[3], d = matrix[4];
  const double determinant = a * d - b * c;
  if (determinant == 0) return {};
  Orientation result;
  result.is_mirrored = determinant < 0;
  if (result.is_mirrored) a = -a, b = -b;                                    // what is left once x is mirrored
  const double degrees = std::atan2(b - c, a + d) * 180 / std::numbers::pi;  // of the nearest turn, clockwise
  const int quarters = static_cast<int>(std::floor(degrees / 90 + 0.5));     // -2 to 2
  result.clockwise = (quarters + 4) % 4 * 90;
  return result;
}

}  // namespace glint::media
