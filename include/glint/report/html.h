#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

// HTML and SVG as values. Whatever is given as text stays text: captions, file names and log lines may hold any bytes,
// markup and script among them.
namespace glint::html {

// A piece of a page. Made from text it is that text, escaped: & < > " ' become references; bytes that are not UTF-8
// become '?', control characters other than TAB and LF, and what XML allows nowhere, U+FFFD. Only element() and
// trusted() make markup.
class Markup {
 public:
  Markup() = default;
  Markup(std::string_view text);  // escapes
  Markup(const std::string& text) : Markup(std::string_view(text)) {}
  Markup(const char* text) : Markup(std::string_view(text)) {}
  // As it stands: for constants of this program alone, never for what a file says.
  static Markup trusted(std::string markup);

  Markup& operator+=(const Markup& other);
  friend Markup operator+(Markup a, const Markup& b) { return a += b; }
  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

// Names and values; values are escaped. Names are constants of ours.
using Attributes = std::vector<std::pair<std::string, std::string>>;

// <name attributes>content</name>; Bug for a name that is no element's.
Markup element(std::string_view name, const Attributes& attributes, const Markup& content);
Markup element(std::string_view name, const Markup& content);
// <name attributes/>: <img>, <meta> and SVG's shapes.
Markup single(std::string_view name, const Attributes& attributes);

// Text of somebody else's within a line of ours: in <bdi>, so that right-to-left marks inside do not turn what follows.
Markup foreign(std::string_view text);

// <details><summary>summary</summary>content</details>
Markup details(const Markup& summary, const Markup& content);
// <ul>, an <li> each; nothing where there are none.
Markup list(const std::vector<Markup>& items);

// "12.35": `digits` after the point, without a sign where it rounds to zero; "not a number" where it is none.
std::string fixed(double value, int digits);
// The same with '+' before what is above zero: differences.
std::string with_sign(double value, int digits);
// In about three significant digits, for axes and cells of unknown size: "0.00012", "12.3", "4,560", "1.2e+09".
std::string short_number(double value);
// "4,560".
std::string with_commas(long long value);
// "<0.0001", "0.0312".
std::string p_value(double p);

// RFC 4648, for pictures in data: addresses.
std::string base64(std::string_view bytes);

}  // namespace glint::html
