#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace glint {

// The text as a JSON object whose values nest a few deep; none where it is anything else. A text of a million brackets
// does not exhaust the parser's stack.
std::optional<nlohmann::json> parse_json_object(std::string_view text);

}  // namespace glint
