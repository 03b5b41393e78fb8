#include "text/clean_caption.h"

#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "glint/core/error.h"
#include "text/encoding_repair.h"
#include "text/html_entities.h"
#include "text/unicode.h"

namespace glint {
namespace {

// ftfy repeats until nothing changes. Each level of a nested &amp;amp; takes a round of the whole line, so a hostile
// caption could keep it busy for minutes; a hundred levels are more than any honest text has.
constexpr int kMostRounds = 100;

const icu::Normalizer2& nfc() {
  UErrorCode status = U_ZERO_ERROR;
  const auto* normalizer = icu::Normalizer2::getNFCInstance(status);
  GLINT_CHECK(U_SUCCESS(status), "ICU has no NFC: ", u_errorName(status));
  return *normalizer;
}

const icu::Normalizer2& nfkc() {
  UErrorCode status = U_ZERO_ERROR;
  const auto* normalizer = icu::Normalizer2::getNFKCInstance(status);
  GLINT_CHECK(U_SUCCESS(status), "ICU has no NFKC: ", u_errorName(status));
  return *normalizer;
}

bool is_latin_ligature(char32_t c) {
  return c == 0x132 || c == 0x133 || c == 0x149 || (c >= 0x1C4 && c <= 0x1CC) || (c >= 0x1F1 && c <= 0x1F3) ||
         (c >= 0xFB00 && c <= 0xFB06);
}
bool is_half_or_full_width(char32_t c) {
  return c >= 0xFF01 && c <= 0xFFEF;
}
bool is_control(char32_t c) {
  return c <= 0x8 || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || (c >= 0x206A && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xFFF9 && c <= 0xFFFC);
}

// One character after ftfy's fix_c1_controls, uncurl_quotes and fix_line_breaks.
char32_t straightened(char32_t c) {
  if (c >= 0x80 && c <= 0x9F) c = from_windows_1252(c);
  if (c == 0x2BC || (c >= 0x2018 && c <= 0x201B)) return '\'';
  if (c >= 0x201C && c <= 0x201F) return '"';
  if (c == '\r' || c == 0x2028 || c == 0x2029) return '\n';
  if (c == 0x3000) return ' ';
  return c;
}

std::u32string straightened(const std::u32string& line) {
  std::u32string out;
  out.reserve(line.size());
  for (const auto c : line) {
    icu::UnicodeString parts;
    if (is_latin_ligature(c)) {  // one step of its decomposition: U+FB05 is a long s and a t, not "st"
      nfkc().getRawDecomposition(static_cast<UChar32>(c), parts);
    } else if (is_half_or_full_width(c)) {
      UErrorCode status = U_ZERO_ERROR;
      parts = nfkc().normalize(icu::UnicodeString(static_cast<UChar32>(c)), status);
      GLINT_CHECK(U_SUCCESS(status), u_errorName(status));
    } else {
      out += straightened(c);
      continue;
    }
    for (const auto part : from_icu(parts)) out += straightened(part);
  }
  return out;
}

// The end of the terminal escape (ESC [ digits and ; letter) at `at`, or `at` where there is none.
std::size_t end_of_terminal_escape(const std::u32string& line, std::size_t at) {
  if (line[at] != 0x1B || at + 1 >= line.size() || line[at + 1] != '[') return at;
  std::size_t end = at + 2;
  while (end < line.size() && (line[end] == ';' || u_isdigit(static_cast<UChar32>(line[end])))) ++end;
  const bool is_letter = end < line.size() && line[end] < 0x80 && u_isalpha(static_cast<UChar32>(line[end]));
  return is_letter ? end + 1 : at;
}

std::u32string without_controls(const std::u32string& line) {
  std::u32string out;
  out.reserve(line.size());
  for (std::size_t at = 0; at < line.size();) {
    const auto end = end_of_terminal_escape(line, at);
    if (end == at) {
      if (!is_control(line[at])) out += line[at];
      ++at;
    } else {
      at = end;
    }
  }
  return out;
}

std::u32string composed(const std::u32string& line) {
  UErrorCode status = U_ZERO_ERROR;
  const auto text = nfc().normalize(to_icu(line), status);
  GLINT_CHECK(U_SUCCESS(status), u_errorName(status));
  return from_icu(text);
}

std::u32string fix_line(std::u32string line, bool unescapes) {
  for (int round = 0; round < kMostRounds; ++round) {
    const auto before = line;
    if (unescapes) line = unescape_closed_entities(line);
    line = repair_encoding(std::move(line));
    line = composed(without_controls(straightened(line)));
    if (line == before) break;
  }
  return line;
}

// ftfy.fix_text line by line: a '<' says "this is HTML, entities are meant", for its line and all after it.
std::u32string fix_text(const std::u32string& text) {
  std::u32string out;
  bool unescapes = true;
  for (std::size_t start = 0; start < text.size();) {
    const auto end = std::min(text.find(U'\n', start), text.size() - 1) + 1;
    auto line = text.substr(start, end - start);
    if (line.find(U'<') != line.npos) unescapes = false;
    out += fix_line(std::move(line), unescapes);
    start = end;
  }
  return out;
}

// White space collapsed to single spaces, none at the ends.
template <class String, class IsSpace>
String collapsed(const String& text, IsSpace is_space) {
  String out;
  out.reserve(text.size());
  bool pending = false;
  for (const auto c : text) {
    if (is_space(c)) {
      pending = !out.empty();
      continue;
    }
    if (pending) out += ' ';
    pending = false;
    out += c;
  }
  return out;
}

// Printable ASCII without '&' needs no repair: nearly every caption.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= ' ' && c <= '~' && c != '&') || c == '\n' || c == '\t'; });
}

}  // namespace

std::string repair_caption(std::string_view text) {
  if (is_plain(text)) {
    return collapsed(std::string(text), [](char c) { return c == ' ' || c == '\n' || c == '\t'; });
  }
  const auto fixed = unescape_html(unescape_html(fix_text(decode_utf8(text))));
  return encode_utf8(
      to_icu(collapsed(fixed, [](char32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0; })));
}

std::string clean_caption(std::string_view text) {
  auto words = repair_caption(text);
  const bool is_ascii =
      std::all_of(words.begin(), words.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (!is_ascii) return encode_utf8(icu::UnicodeString::fromUTF8(words).toLower(icu::Locale::getRoot()));
  for (auto& c : words) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return words;
}

}  // namespace glint
