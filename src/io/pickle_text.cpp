#include "io/pickle_text.h"

#include <charconv>
#include <cstdint>

namespace glint::pickle {
namespace {

// A number of `digits` digits at `at`, in `base`.
std::optional<std::uint32_t> number(std::string_view text, std::size_t at, std::size_t digits, int base) {
  if (at + digits > text.size()) return std::nullopt;
  std::uint32_t value = 0;
  const char* end = text.data() + at + digits;
  const auto [rest, problem] = std::from_chars(text.data() + at, end, value, base);
  if (problem != std::errc() || rest != end) return std::nullopt;
  return value;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (code >> shift & 0x3F)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    tail(6), tail(0);
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    tail(12), tail(6), tail(0);
  }
}

// The escape behind a backslash at `at`; moves `at` past it.
bool append_escape(std::string& out, std::string_view text, std::size_t& at) {
  constexpr std::string_view kLetters = "abfnrtv\\'\"";
  constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"";
  if (at >= text.size()) return false;
  if (const auto place = kLetters.find(text[at]); place != std::string_view::npos) {
    out += kMeanings[place];
    ++at;
    return true;
  }
  const bool is_hex = text[at] == 'x';
  const std::size_t digits = is_hex ? 2 : 3;
  const auto byte = is_hex ? number(text, at + 1, digits, 16) : number(text, at, digits, 8);
  if (!byte || *byte > 0xFF) return false;
  out += static_cast<char>(*byte);
  at += digits + (is_hex ? 1 : 0);
  return true;
}

}  // namespace

std::optional<std::string> unquoted(std::string_view line) {
  const bool is_quoted =
      line.size() >= 2 && (line.front() == '\'' || line.front() == '"') && line.back() == line.front();
  if (!is_quoted) return std::nullopt;
  const std::string_view text = line.substr(1, line.size() - 2);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '\\') {
      out += text[at++];
    } else if (!append_escape(out, text, ++at)) {
      return std::nullopt;
    }
  }
  return out;
}

std::optional<std::string> unescaped_unicode(std::string_view line) {
  std::string out;
  for (std::size_t at = 0; at < line.size();) {
    const bool is_escape = line[at] == '\\' && at + 1 < line.size() && (line[at + 1] == 'u' || line[at + 1] == 'U');
    if (!is_escape) {
      append_utf8(out, static_cast<unsigned char>(line[at++]));
      continue;
    }
    const std::size_t digits = line[at + 1] == 'u' ? 4 : 8;
    const auto code = number(line, at + 2, digits, 16);
    if (!code || *code > 0x10FFFF) return std::nullopt;
    append_utf8(out, *code);
    at += 2 + digits;
  }
  return out;
}

}  // namespace glint::pickle
