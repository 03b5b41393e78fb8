#include "io/json_object.h"

#include "glint/core/error.h"

namespace glint {

std::optional<nlohmann::json> parse_json_object(std::string_view text) {
  const auto too_deep = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > 8) throw Error("nested too deeply");
    return true;
  };
  try {
    auto object = nlohmann::json::parse(text, too_deep);
    if (object.is_object()) return object;
  } catch (const std::exception&) {  // the caller's sentence says all there is to say
  }
  return std::nullopt;
}

}  // namespace glint
