#pragma once

#include <cstddef>
#include <string>

#include "glint/core/json.h"

namespace glint {

// The text under `name` of `object`. Error ("FILE: ENTRY N has no text 'NAME'") where there is none.
std::string& text_field(nlohmann::json& object, const char* name, const std::string& file, const char* entry,
                        std::size_t number);

}  // namespace glint
