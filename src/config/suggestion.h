#pragma once

#include <string>
#include <vector>

namespace glint {

// "a, b, c".
std::string joined(const std::vector<std::string>& words);

// What to say after "unknown key": the nearest of `known`, the keys of `section`; else the other section that has the
// key; else all of `known`.
std::string hint_for_key(const std::string& section, const std::string& key, const std::vector<std::string>& known);

}  // namespace glint
