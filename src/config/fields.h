#pragma once

#include <string>
#include <vector>

#include "glint/config/config.h"

namespace glint {

// Every key once: "optim.lr"; "head.queries" of whichever head has it.
std::vector<std::string> all_keys();

}  // namespace glint
