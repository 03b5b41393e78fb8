#include "text/legacy_encodings.h"

#include <unicode/ucnv.h>
#include <unicode/unistr.h>

#include <memory>

#include "glint/core/error.h"

namespace glint {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr std::uint8_t kSubstitute = 0x1A;
// ICU's table of DOS has the letter, Unicode's and Python's the sign. windows-1253 has both.
constexpr char32_t kGreekMu = 0x3BC;
constexpr char32_t kMicro = 0xB5;

struct ConverterClose {
  void operator()(UConverter* p) const { ucnv_close(p); }
};

}  // namespace

LegacyEncoding::LegacyEncoding(const char* name, bool is_lenient) : is_lenient_(is_lenient) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UConverter, ConverterClose> converter(ucnv_open(name, &status));
  GLINT_CHECK(U_SUCCESS(status), "ICU has no ", name, ": ", u_errorName(status));
  for (int byte = 0; byte < 256; ++byte) {
    const char text = static_cast<char>(byte);
    const icu::UnicodeString decoded(&text, 1, converter.get(), status);
    GLINT_CHECK(U_SUCCESS(status), name, " of byte ", byte, ": ", u_errorName(status));
    char32_t character = byte < 0x80 ? static_cast<char32_t>(byte) : static_cast<char32_t>(decoded.char32At(0));
    if (character == kReplacement) character = static_cast<char32_t>(byte);
    if (character == kGreekMu && !is_lenient) character = kMicro;
    if (is_lenient && byte == kSubstitute) character = kReplacement;
    characters_.push_back(character);
    bytes_.emplace(character, static_cast<std::uint8_t>(byte));
  }
}

std::optional<std::string> LegacyEncoding::bytes_of(const std::u32string& text) const {
  std::string bytes;
  bytes.reserve(text.size());
  for (const auto c : text) {
    const auto found = bytes_.find(c);
    if (found == bytes_.end()) return std::nullopt;
    bytes += static_cast<char>(found->second);
  }
  return bytes;
}

const std::vector<LegacyEncoding>& legacy_encodings() {
  static const std::vector<LegacyEncoding> encodings = [] {
    std::vector<LegacyEncoding> all;
    all.emplace_back("ISO-8859-1", false);
    for (const char* name :
         {"windows-1252", "windows-1251", "windows-1250", "windows-1253", "windows-1254", "windows-1257"}) {
      all.emplace_back(name, true);
    }
    for (const char* name : {"ISO-8859-2", "macintosh", "cp437"}) all.emplace_back(name, false);
    return all;
  }();
  return encodings;
}

}  // namespace glint
