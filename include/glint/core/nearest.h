#pragma once

#include <string>
#include <vector>

namespace glint {

// The one of `known` that `word` was probably meant to be: few letters to insert, drop, change or swap with their
// neighbour; empty where all are farther away.
std::string nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace glint
