#pragma once

#include <string>

namespace glint {

// Rewrites the line of progress on the terminal, under the lock that all lines are written under; empty: wipes it. Cut
// to the terminal's width: a longer one would leave a line behind each time.
void show_terminal_line(const std::string& text);

// As many of the text's letters as `columns` have room for.
std::string fitted(const std::string& text, std::size_t columns);

}  // namespace glint
