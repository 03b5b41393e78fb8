#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace glint {

// Where `text` stops being UTF-8: the offset of the first byte that no character begins or goes on with (surrogates,
// overlong forms and what lies past U+10FFFF count as such); none where all of it is UTF-8.
std::optional<std::size_t> find_bad_utf8(std::string_view text);

}  // namespace glint
