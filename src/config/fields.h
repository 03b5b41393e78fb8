#pragma once

#include <string>
#include <vector>

#include "glint/config/config.h"

namespace glint {

// Every alternative with its defaults, in HeadConfig's order.
std::vector<HeadConfig> all_heads();

// Every key: "optim.lr"; those of heads as "head.queries", once for each head that has them.
std::vector<std::string> all_keys();

}  // namespace glint
