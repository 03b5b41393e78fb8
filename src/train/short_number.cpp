#include "train/short_number.h"

#include <cmath>
#include <iomanip>
#include <sstream>

namespace glint {

std::string short_number(double value) {
  if (std::isnan(value)) return "nan";
  std::ostringstream out;
  out << std::setprecision(4) << value;
  return out.str();
}

}  // namespace glint
