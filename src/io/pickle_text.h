#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace glint::pickle {

// The text of protocol 0's quoted strings ('it\'s', with \n, \x41, \101) and of its Unicode lines (Latin-1 with
// \u0041 and \U00000041), as UTF-8. None where it is not what Python writes.
std::optional<std::string> unquoted(std::string_view line);
std::optional<std::string> unescaped_unicode(std::string_view line);

}  // namespace glint::pickle
