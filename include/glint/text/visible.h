#pragma once

#include <string_view>

namespace glint {

// Whether nothing is left of `text` that a reader sees once it is cleaned as captions are: no-break and zero-width
// spaces, byte order marks, control characters and the HTML names of these leave nothing.
bool is_blank(std::string_view text);

}  // namespace glint
