#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace glint {

// Reads one JSON value. Error ("FILE:LINE: ..." or "FILE: entry N: ...", lines counted from `first_line`) where the
// text is not JSON or not UTF-8, an object holds a key twice, or it nests more than a few levels deep.
nlohmann::json parse_json(std::string_view text, const std::string& file, int64_t first_line = 1);

// The text under `name` of `object`. Error ("FILE: ENTRY N has no text 'NAME'") where there is none.
std::string& text_field(nlohmann::json& object, const char* name, const std::string& file, const char* entry,
                        std::size_t number);

// The file's text, unpacked where it is gzip data, without a byte order mark.
std::string read_text(const std::string& file);

}  // namespace glint
