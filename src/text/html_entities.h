#pragma once

#include <string>

namespace glint {

// Two readings of HTML's character references, both as the published tokenizers apply them (methods 7).

// ftfy's: only what ends in ';' and is short, but names in capitals too (&NTILDE;).
std::u32string unescape_closed_entities(const std::u32string& text);

// The standard's, Python's html.unescape: the ';' may be missing and the longest known name counts (&ampersand ->
// &ersand).
std::u32string unescape_html(const std::u32string& text);

}  // namespace glint
