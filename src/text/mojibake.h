#pragma once

#include <string_view>

namespace glint {

// Does the text hold a sequence of characters that people do not write, but that UTF-8 read in another encoding gives?
// ftfy's judgement ("badness" of version 6).
bool looks_garbled(std::u32string_view text);

}  // namespace glint
