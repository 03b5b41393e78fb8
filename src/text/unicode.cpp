#include "text/unicode.h"

#include <unicode/utf8.h>

#include <algorithm>
#include <cstdint>

#include "glint/core/error.h"

namespace glint {

std::u32string decode_utf8(std::string_view text) {
  GLINT_CHECK(text.size() < std::size_t{1} << 31, "ICU counts in 32 bits, the text has ", text.size(), " bytes");
  std::u32string points;
  points.reserve(text.size());
  const auto size = static_cast<int32_t>(text.size());
  for (int32_t at = 0; at < size;) {
    UChar32 point;
    U8_NEXT_OR_FFFD(text.data(), at, size, point);
    points += static_cast<char32_t>(point);
  }
  return points;
}

std::string encode_utf8(const icu::UnicodeString& text) {
  std::string bytes;
  text.toUTF8String(bytes);
  return bytes;
}

icu::UnicodeString to_icu(const std::u32string& text) {
  return icu::UnicodeString::fromUTF32(reinterpret_cast<const UChar32*>(text.data()),
                                       static_cast<int32_t>(text.size()));
}

std::u32string from_icu(const icu::UnicodeString& text) {
  std::u32string points(static_cast<std::size_t>(text.countChar32()), U'\0');
  UErrorCode status = U_ZERO_ERROR;
  text.toUTF32(reinterpret_cast<UChar32*>(points.data()), static_cast<int32_t>(points.size()), status);
  GLINT_CHECK(status == U_ZERO_ERROR || status == U_STRING_NOT_TERMINATED_WARNING, u_errorName(status));
  return points;
}

char32_t from_windows_1252(char32_t c) {
  constexpr char32_t kMeanings[] = {0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                    0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,   0x017D, 0x8F,
                                    0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
  static_assert(std::size(kMeanings) == 0x20);
  return kMeanings[c - 0x80];
}

}  // namespace glint
