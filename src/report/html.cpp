#include "glint/report/html.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <iomanip>
#include <sstream>

#include "glint/core/error.h"
#include "glint/core/utf8.h"

namespace glint::html {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

bool is_control(unsigned char c) {
  return (c < 0x20 && c != '\t' && c != '\n') || c == 0x7F;
}

// Of two or three bytes at `at`: a C1 control character (2), U+FFFE or U+FFFF (3), else 0.
std::size_t forbidden_size(std::string_view text, std::size_t at) {
  const auto rest = text.substr(at);
  if (rest.size() > 1 && rest[0] == '\xC2' && static_cast<unsigned char>(rest[1]) < 0xA0) return 2;
  return rest.starts_with("\xEF\xBF\xBE") || rest.starts_with("\xEF\xBF\xBF") ? 3 : 0;
}

std::string escaped(std::string_view text) {
  const auto valid = valid_utf8(std::string(text));
  std::string result;
  result.reserve(valid.size());
  for (std::size_t i = 0; i < valid.size(); ++i) {
    const char c = valid[i];
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '"') {
      result += "&quot;";
    } else if (c == '\'') {
      result += "&#39;";
    } else if (is_control(static_cast<unsigned char>(c))) {
      result += kReplacement;
    } else if (const auto size = forbidden_size(valid, i)) {
      result += kReplacement;
      i += size - 1;
    } else {
      result += c;
    }
  }
  return result;
}

void require_name(std::string_view name) {
  const bool is_name = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == ':';
  });
  GLINT_CHECK(is_name, "'", name, "' is no name of an element or attribute");
}

std::string opening(std::string_view name, const Attributes& attributes) {
  require_name(name);
  std::string result = concat("<", name);
  for (const auto& [key, value] : attributes) {
    require_name(key);
    result += concat(" ", key, "=\"", escaped(value), "\"");
  }
  return result;
}

std::string grouped(std::string digits) {  // "1234.5" -> "1,234.5"
  const auto end = std::min(digits.find_first_of(".e"), digits.size());
  const std::size_t begin = !digits.empty() && digits[0] == '-' ? 1 : 0;
  for (auto at = end; at > begin + 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

}  // namespace

Markup::Markup(std::string_view text) : text_(escaped(text)) {}

Markup Markup::trusted(std::string markup) {
  Markup result;
  result.text_ = std::move(markup);
  return result;
}

Markup& Markup::operator+=(const Markup& other) {
  text_ += other.text_;
  return *this;
}

Markup element(std::string_view name, const Attributes& attributes, const Markup& content) {
  return Markup::trusted(concat(opening(name, attributes), ">", content.text(), "</", name, ">"));
}
Markup element(std::string_view name, const Markup& content) {
  return element(name, Attributes{}, content);
}
Markup single(std::string_view name, const Attributes& attributes) {
  return Markup::trusted(opening(name, attributes) + "/>");
}

Markup foreign(std::string_view text) {
  return element("bdi", text);
}

Markup details(const Markup& summary, const Markup& content) {
  return element("details", element("summary", summary) + content);
}

Markup list(const std::vector<Markup>& items) {
  Markup lines;
  for (const auto& item : items) lines += element("li", item);
  return lines.empty() ? lines : element("ul", lines);
}

std::string fixed(double value, int digits) {
  if (!std::isfinite(value)) return std::isnan(value) ? "not a number" : value > 0 ? "infinity" : "-infinity";
  std::ostringstream out;
  out << std::fixed << std::setprecision(digits) << value;
  const auto text = out.str();
  return text.find_first_not_of("-0.") == std::string::npos && text[0] == '-' ? text.substr(1) : text;
}

std::string with_sign(double value, int digits) {
  const auto text = fixed(value, digits);
  return text.find_first_not_of("0.") == std::string::npos || text[0] == '-' ? text : "+" + text;
}

std::string short_number(double value) {
  if (!std::isfinite(value)) return fixed(value, 0);
  const double size = std::abs(value);
  if (value == std::round(value) && size < 1e6) return grouped(fixed(value, 0));
  if (size >= 1e6 || size < 1e-4) return concat(std::setprecision(3), value);
  const int digits = std::clamp(2 - static_cast<int>(std::floor(std::log10(size))), 0, 6);
  auto text = fixed(value, digits);
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return grouped(text);
}

std::string with_commas(long long value) {
  return grouped(std::to_string(value));
}

std::string p_value(double p) {
  return p < 0.0001 ? "<0.0001" : fixed(p, 4);
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const auto count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= count ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

}  // namespace glint::html
