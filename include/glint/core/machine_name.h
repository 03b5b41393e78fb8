#pragma once

#include <string>

namespace glint {

// What this machine calls itself: "node1".
std::string machine_name();

}  // namespace glint
