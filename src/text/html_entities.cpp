#include "text/html_entities.h"

#include <unicode/locid.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "text/unicode.h"

namespace glint {
namespace {

struct Entity {
  std::string_view name;  // without '&'; some without ';' too
  char32_t first;
  char32_t second;  // 0: none
};

constexpr Entity kEntities[] = {
#include "html_entities.inc"
};

constexpr std::size_t kLongestClosedName = 24;  // of ftfy's expression
constexpr std::size_t kLongestName = 32;        // of html.unescape's expression

bool is_digit(char32_t c) {
  return c >= '0' && c <= '9';
}
bool is_upper(char32_t c) {
  return c >= 'A' && c <= 'Z';
}
bool is_lower(char32_t c) {
  return c >= 'a' && c <= 'z';
}
int hex_value(char32_t c) {
  if (is_digit(c)) return static_cast<int>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<int>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<int>(c - 'A' + 10);
  return -1;
}

std::optional<std::u32string> named(std::string_view name) {
  const auto found =
      std::lower_bound(std::begin(kEntities), std::end(kEntities), name,
                       [](const Entity& entity, std::string_view wanted) { return entity.name < wanted; });
  if (found == std::end(kEntities) || found->name != name) return std::nullopt;
  std::u32string text(1, found->first);
  if (found->second != 0) text += found->second;
  return text;
}

// The longest known name that `name` begins with, and the rest of `name` as it stands.
std::optional<std::u32string> named_at_start(const std::string& name) {
  if (auto whole = named(name)) return whole;
  for (std::size_t length = name.size() - 1; length > 1; --length) {
    if (auto start = named(std::string_view(name).substr(0, length))) {
      return *start + std::u32string(name.begin() + static_cast<std::ptrdiff_t>(length), name.end());
    }
  }
  return std::nullopt;
}

// A name in capitals that HTML does not know itself stands for the capital of the one in small letters.
std::optional<std::u32string> named_in_capitals(const std::string& name) {
  if (std::any_of(name.begin(), name.end(), [](char c) { return is_lower(static_cast<unsigned char>(c)); }))
    return std::nullopt;
  if (named_at_start(name)) return std::nullopt;
  std::string small = name;
  for (auto& c : small) {
    if (is_upper(static_cast<unsigned char>(c))) c = static_cast<char>(c - 'A' + 'a');
  }
  const auto text = named(small);
  if (!text) return std::nullopt;
  return from_icu(to_icu(*text).toUpper(icu::Locale::getRoot()));
}

bool stands_for_nothing(char32_t c) {
  return (c >= 0x1 && c <= 0x8) || c == 0xB || (c >= 0xE && c <= 0x1F) || (c >= 0x7F && c <= 0x9F) ||
         (c >= 0xFDD0 && c <= 0xFDEF) || (c & 0xFFFE) == 0xFFFE;
}

// What &#N; stands for in HTML 5.
std::u32string numbered(char32_t number) {
  if (number == 0 || number > kLastCodePoint || (number >= 0xD800 && number <= 0xDFFF)) return U"\uFFFD";
  if (number >= 0x80 && number <= 0x9F) return std::u32string(1, from_windows_1252(number));
  if (stands_for_nothing(number)) return {};
  return std::u32string(1, number);
}

// A reference &#123 or &#x1F: its end (before a ';') and its number; none where no digit follows.
struct Number {
  std::size_t end;
  char32_t value;
};
std::optional<Number> number_at(const std::u32string& text, std::size_t ampersand) {
  std::size_t at = ampersand + 2;  // after "&#"
  const bool is_hex = at < text.size() && (text[at] == 'x' || text[at] == 'X');
  if (is_hex) ++at;
  const std::size_t start = at;
  char32_t value = 0;
  for (; at < text.size() && (is_hex ? hex_value(text[at]) >= 0 : is_digit(text[at])); ++at) {
    value =
        std::min<char32_t>(value * (is_hex ? 16 : 10) + static_cast<char32_t>(hex_value(text[at])), kLastCodePoint + 1);
  }
  if (at == start) return std::nullopt;
  return Number{at, value};
}

// The reference at `ampersand`, ending before `end`'s ';', as ftfy reads it; none where it leaves the text alone.
std::optional<std::u32string> closed_entity(const std::u32string& text, std::size_t ampersand, std::size_t end) {
  if (text[ampersand + 1] == '#') {
    const auto number = number_at(text, ampersand);
    if (!number || number->end != end || number->value == ';') return std::nullopt;
    return numbered(number->value);
  }
  const std::string name(text.begin() + static_cast<std::ptrdiff_t>(ampersand) + 1,
                         text.begin() + static_cast<std::ptrdiff_t>(end) + 1);
  if (auto known = named(name)) return known;
  return named_in_capitals(name);
}

}  // namespace

std::u32string unescape_closed_entities(const std::u32string& text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '&') {
      const std::size_t start = at + 1 < text.size() && text[at + 1] == '#' ? at + 2 : at + 1;
      std::size_t end = start;
      while (end < text.size() && end - start <= kLongestClosedName &&
             (is_digit(text[end]) || is_upper(text[end]) || is_lower(text[end]))) {
        ++end;
      }
      const auto length = end - start;
      if (end < text.size() && text[end] == ';' && length >= 1 && length <= kLongestClosedName) {
        if (const auto entity = closed_entity(text, at, end)) {
          out += *entity;
          at = end;
          continue;
        }
      }
    }
    out += text[at];
  }
  return out;
}

std::u32string unescape_html(const std::u32string& text) {
  constexpr std::u32string_view kEndsName = U"\t\n\f <&#;";
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '&') {
      out += text[at];
      continue;
    }
    if (at + 1 < text.size() && text[at + 1] == '#') {
      if (const auto number = number_at(text, at)) {
        out += numbered(number->value);
        at = number->end < text.size() && text[number->end] == ';' ? number->end : number->end - 1;
        continue;
      }
    }
    std::size_t end = at + 1;
    std::string name;  // only ASCII is a name: the first other character ends what can match
    while (end < text.size() && end - at <= kLongestName && text[end] < 0x80 &&
           kEndsName.find(text[end]) == kEndsName.npos) {
      name += static_cast<char>(text[end++]);
    }
    if (end < text.size() && text[end] == ';') {
      name += ';';
      ++end;
    }
    const auto entity = name.empty() ? std::nullopt : named_at_start(name);
    if (entity) {
      out += *entity;
      at = end - 1;
    } else {
      out += '&';
    }
  }
  return out;
}

}  // namespace glint
