#pragma once

#include <string_view>

namespace glint::html {

std::string_view page_style();   // CSS
std::string_view page_script();  // JavaScript: sorts and filters tables, nothing else

}  // namespace glint::html
