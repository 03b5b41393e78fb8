#pragma once

#include <exception>
#include <optional>
#include <string>

namespace glint {

// Where an exception of a library's says that the machine has no memory or no threads left: NotNow's sentence, which
// names what to lower. None for every other exception.
std::optional<std::string> shortage(const std::exception& error);

}  // namespace glint
