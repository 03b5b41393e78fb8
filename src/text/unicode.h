#pragma once

#include <unicode/unistr.h>

#include <string>
#include <string_view>

namespace glint {

constexpr char32_t kLastCodePoint = 0x10FFFF;

// UTF-8 -> code points; each bad sequence becomes U+FFFD.
std::u32string decode_utf8(std::string_view text);
std::string encode_utf8(const icu::UnicodeString& text);

icu::UnicodeString to_icu(const std::u32string& text);
std::u32string from_icu(const icu::UnicodeString& text);

// What the byte `c` (0x80 to 0x9F) means in windows-1252; the five that mean nothing there stay.
char32_t from_windows_1252(char32_t c);

}  // namespace glint
