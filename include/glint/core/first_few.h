#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace glint {

// So many of many are named to people; the others are counted.
constexpr std::size_t kFirstFew = 5;

// The first of many lines for people, then, where there are more, a line that says how many and where all of them
// stand: "and 993 more; results.json names all". `where`: "results.json names all".
std::vector<std::string> first_few(const std::vector<std::string>& lines, const std::string& where);

// The same in a sentence: "a, b, c, d, e and 993 more".
std::string few_names(const std::vector<std::string>& names);

// A warning of each of the first lines.
void log_first(const std::vector<std::string>& lines, const std::string& where);

}  // namespace glint
