#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace glint {

// Where `text` stops being UTF-8: the offset of the first byte that no character begins or goes on with (surrogates,
// overlong forms and what lies past U+10FFFF count as such); none where all of it is UTF-8.
std::optional<std::size_t> find_bad_utf8(std::string_view text);

// The same text with '?' for each byte that is not UTF-8: for what is only shown.
std::string valid_utf8(std::string bytes);

// Error ("WHERE: is not UTF-8 text ...") where it is not.
void require_utf8(std::string_view text, const std::string& where);

}  // namespace glint
