#pragma once

#include <string>
#include <string_view>

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace glint {

// Does the sentencepiece model (a protocol buffer) bring a table of its own that changes text before it is cut? Throws
// Error where the bytes are no protocol buffer.
bool has_character_table(std::string_view model_bytes);

// The library walks that table without looking at its bounds, so that a damaged one ends the process. Throws Error
// where a walk through it could leave it.
void check_character_table(std::string_view model_bytes);

// Throws Error where the bytes are not a sentencepiece model.
void load_model(sentencepiece::SentencePieceProcessor& processor, const std::string& model_bytes);

// What the library says of a failure, without the place in its sources: "Internal: ./src/a.cc(5) [condition] words".
std::string library_words(const std::string& message);

}  // namespace glint
