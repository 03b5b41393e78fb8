#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

// The one reader of JSON that others wrote, and the one writer: nothing else in glint calls nlohmann's parse() or
// dump() on such text, because the first gives no place that a person finds and the second throws where a text is not
// UTF-8.

namespace glint {

constexpr std::size_t kJsonDepth = 16;  // objects and lists in one another; annotations nest four deep

// Reads one JSON value. Error ("FILE:LINE: is not JSON: CAUSE (column C, entry N; near '...')", lines counted from
// `first_line`) where the text is anything else; so it is where an object holds a key twice or values nest deeper than
// `max_depth`.
nlohmann::json parse_json(std::string_view text, const std::string& file, int64_t first_line = 1,
                          std::size_t max_depth = kJsonDepth);

// The same for a value that must be an object.
nlohmann::json parse_json_object(std::string_view text, const std::string& file, int64_t first_line = 1,
                                 std::size_t max_depth = kJsonDepth);

// The value as text, on one line or indented by `indent` blanks. Bytes that are not UTF-8 become U+FFFD.
std::string json_text(const nlohmann::json& value, int indent = -1);
std::string json_text(const nlohmann::ordered_json& value, int indent = -1);

// The beginning of the value as text, for messages.
std::string short_json(const nlohmann::json& value);

}  // namespace glint
