#pragma once

#include <string>

namespace glint {

// Four digits, for people; "nan" whatever its sign.
std::string short_number(double value);

}  // namespace glint
