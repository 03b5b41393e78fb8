#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace glint {

// A character set of one byte a character, which once was taken for what a text was in.
class LegacyEncoding {
 public:
  // `name`: ICU's converter. A lenient one gives bytes without a meaning the character of their number, as browsers do,
  // and stands U+FFFD for the byte 0x1A.
  LegacyEncoding(const char* name, bool is_lenient);

  bool is_lenient() const { return is_lenient_; }
  char32_t character(std::uint8_t byte) const { return characters_[byte]; }
  // The bytes that would have given this text; none where they cannot have.
  std::optional<std::string> bytes_of(const std::u32string& text) const;

 private:
  std::vector<char32_t> characters_;  // by byte
  std::unordered_map<char32_t, std::uint8_t> bytes_;
  bool is_lenient_;
};

// In the order in which ftfy tries them: latin-1; windows-1252, -1251, -1250, -1253, -1254, -1257; latin-2, that of
// Macintosh, that of DOS.
const std::vector<LegacyEncoding>& legacy_encodings();
constexpr std::size_t kLatinLike = 7;          // of these the first ones, whose upper halves are alike
constexpr std::size_t kMacintoshEncoding = 8;  // its place among them

}  // namespace glint
