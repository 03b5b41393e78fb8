#pragma once

#include <string>
#include <string_view>

namespace glint {

// The caption as the published tokenizers see it (methods 7): ftfy.fix_text without its repair of wrong encodings, HTML
// unescaped twice, white space collapsed and stripped, lower case. UTF-8 in and out; bad sequences become U+FFFD.
std::string clean_caption(std::string_view text);

}  // namespace glint
