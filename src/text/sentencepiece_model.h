#pragma once

#include <string_view>

namespace glint {

// Does the sentencepiece model (a protocol buffer) bring a table of its own that changes text before it is cut? The
// library walks that table without looking at its bounds, so that a damaged one ends the process. Throws Error where
// the bytes are no protocol buffer.
bool has_character_table(std::string_view model_bytes);

}  // namespace glint
