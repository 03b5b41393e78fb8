#pragma once

#include <string>
#include <string_view>

namespace glint {

// ftfy.fix_text of version 6, HTML unescaped twice, white space collapsed and stripped: the caption that a writer
// meant. UTF-8 out whatever comes in: bad sequences become U+FFFD. No control characters.
std::string repair_caption(std::string_view text);

// The repaired caption in small letters, as CLIP's tokenizer sees it (methods 7).
std::string clean_caption(std::string_view text);

}  // namespace glint
