#include "glint/core/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "glint/core/error.h"
#include "glint/core/utf8.h"

namespace glint {
namespace {

using nlohmann::json;

constexpr std::size_t kNearBytes = 24;  // of the text, shown on either side of a fault
constexpr std::size_t kShortBytes = 60;
constexpr std::string_view kBlanks = " \t\r\n";

// At most so many bytes of the text for a message: on one line, and UTF-8.
std::string shown(std::string_view text, std::size_t bytes) {
  const auto is_middle = [&](std::size_t i) { return i < text.size() && (text[i] & '\xC0') == '\x80'; };
  std::size_t end = std::min(text.size(), bytes);
  while (end > 0 && is_middle(end)) --end;
  auto letters = valid_utf8(std::string(text.substr(0, end)));
  for (auto& c : letters) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return letters;
}

// Builds the value from the parser's events, so that depth and keys are checked on the way.
class JsonBuilder : public nlohmann::json_sax<json> {
 public:
  explicit JsonBuilder(std::size_t max_depth) : max_depth_(max_depth) {}

  bool null() override { return place(nullptr); }
  bool boolean(bool value) override { return place(value); }
  bool number_integer(number_integer_t value) override { return place(value); }
  bool number_unsigned(number_unsigned_t value) override { return place(value); }
  bool number_float(number_float_t value, const string_t&) override { return place(value); }
  bool string(string_t& value) override { return place(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    key_ = std::move(name);
    if (!open_.back().contains(key_)) return true;
    problem_ = concat("key '", shown(key_, 80), "' stands twice in one object");
    return false;
  }
  bool parse_error(std::size_t position, const std::string& token, const nlohmann::detail::exception& why) override {
    stop_ = Stop{position, token, why.what()};
    return false;
  }

  // Where the parser gave up: behind `token`, the last it read.
  struct Stop {
    std::size_t position;
    std::string token;
    std::string why;
  };

  json take() { return std::move(root_); }
  const std::string& problem() const { return problem_; }
  const std::optional<Stop>& stop() const { return stop_; }
  bool is_complete() const { return has_root_; }
  // Which entry was being read: "entry 3", "'sentences', entry 3", "'sentences'"; empty where nothing tells.
  std::string place() const {
    if (open_.empty()) return "";
    if (open_[0].is_array()) return concat("entry ", open_[0].size() + 1);
    const auto& key = open_.size() > 1 ? keys_[1] : key_;
    if (key.empty() || (open_.size() == 1 && !stop_)) return "";  // a key that stands twice is named already
    const auto name = concat("'", shown(key, 40), "'");
    return open_.size() > 1 && open_[1].is_array() ? concat(name, ", entry ", open_[1].size() + 1) : name;
  }

 private:
  bool open(json value) {
    if (open_.size() >= max_depth_) {
      problem_ = "is nested too deeply";
      return false;
    }
    keys_.push_back(std::move(key_));
    key_.clear();
    open_.push_back(std::move(value));
    return true;
  }
  bool close() {
    json value = std::move(open_.back());
    open_.pop_back();
    key_ = std::move(keys_.back());
    keys_.pop_back();
    return place(std::move(value));
  }
  bool place(json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      has_root_ = true;
    } else if (open_.back().is_array()) {
      open_.back().push_back(std::move(value));
    } else {
      open_.back().emplace(key_, std::move(value));
    }
    return true;
  }

  std::size_t max_depth_;
  json root_;
  bool has_root_ = false;
  std::vector<json> open_;         // objects and arrays that are not finished yet
  std::vector<std::string> keys_;  // under which each of them will stand
  std::string key_;
  std::string problem_;
  std::optional<Stop> stop_;
};

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '+' || c == '.';
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The word that begins at byte `at`: "NaN" of which the parser has read the N.
std::string_view word_at(std::string_view text, std::size_t at) {
  const std::size_t begin = std::min(at, text.size());
  std::size_t end = begin;
  while (end < text.size() && is_word_character(text[end])) ++end;
  return text.substr(begin, end - begin);
}

// What a word that JSON does not have means; empty where it is not known.
std::string cause_of_word(std::string_view word) {
  const auto is = [&](std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  if (is({"NaN", "nan", "-NaN", "-nan", "NAN"}))
    return concat(word, " is no number in JSON; write null or leave it out");
  if (is({"Infinity", "-Infinity", "inf", "-inf", "Inf", "-Inf"})) {
    return concat(word, " is no number in JSON; write a number, null, or leave it out");
  }
  if (is({"True", "False", "None"})) {
    return concat("'", word, "' is Python's; JSON has true, false and null (write it with json.dump)");
  }
  return "";
}

bool is_odd_number(std::string_view word) {
  const auto is_digit = [&](std::size_t i) { return i < word.size() && word[i] >= '0' && word[i] <= '9'; };
  return is_digit(0) || (is_digit(1) && (word[0] == '+' || word[0] == '.' || word[0] == '-'));
}

// What is wrong where the parser stopped, at byte `at` of `text`.
std::string cause_of(std::string_view text, std::size_t at, const JsonBuilder::Stop& stop, bool is_complete) {
  const auto& why = stop.why;
  const char c = at < text.size() ? text[at] : '\0';
  if (text.find_first_not_of(kBlanks) == std::string_view::npos) return "it is empty";
  if (at < text.size() && c == '\0') return "a zero byte, which no text holds";
  if (is_complete) return "a second value, or something else, follows the first";
  if (has(why, "missing closing quote")) return "the file ends early, inside a text; it may be cut off";
  if (has(why, "unexpected end of input") || stop.position > text.size()) {
    return "the file ends early; it may be cut off";
  }
  if (has(why, "forbidden character after backslash")) {
    return "a backslash stands before a letter that needs none; write \\\\ for a backslash";
  }
  if (has(why, "4 hex digits")) return "\\u needs four hexadecimal digits";
  if (has(why, "surrogate")) return "\\u gives one half of a character; both halves are needed";
  if (has(why, "control character")) return "a text holds a line break, TAB or control character; write \\n, \\t";
  if (has(why, "ill-formed UTF-8")) return "a text is not UTF-8";
  if (has(why, "overflow")) return "a number is too large";
  if (text.substr(std::min(at, text.size())).starts_with("\xEF\xBB\xBF")) {
    return "a byte order mark stands inside the text, as where files are joined";
  }
  if (c == '\'') return "a single quote, as Python's repr and str write; JSON has double quotes (json.dump)";
  if (c == '/' || c == '#') return "a comment, which JSON does not have";
  const auto word = word_at(text, at);
  if (auto cause = cause_of_word(word); !cause.empty()) return cause;
  const bool is_invalid = has(why, "invalid") || (word.size() > 1 && word[0] == '0');
  if (is_invalid && is_odd_number(word)) return concat("'", word, "' is no number as JSON writes them");
  const auto before = text.substr(0, at).find_last_not_of(kBlanks);
  const bool after_comma = before != std::string_view::npos && text[before] == ',';
  if (after_comma && c == ',') return "two commas follow each other";
  if (after_comma && (c == ']' || c == '}')) return "a comma stands before the closing bracket";
  if (has(why, "object key") && !word.empty()) return "a key without double quotes";
  if (has(why, "object separator")) return "a colon is missing";
  if (has(why, "invalid literal") && !word.empty())
    return concat("'", word.substr(0, kShortBytes), "' is no value of JSON");
  const bool begins_value = c == '"' || c == '{' || c == '[' || !word.empty();
  if (begins_value && (has(why, "expected ']'") || has(why, "expected '}'"))) return "a comma is missing";
  if (c == ']' || c == '}') return "a closing bracket stands where none is due";
  return "there is something that does not belong there";
}

// Where the token that the parser did not like begins.
std::size_t start_of_fault(std::string_view text, const JsonBuilder::Stop& stop) {
  if (stop.position > text.size()) return text.size();
  std::size_t at = stop.position - std::min<std::size_t>(stop.position, 1);
  if (at >= text.size() || has(stop.why, "invalid string")) return at;
  if (text[at] == '"') return stop.position - std::min(stop.position, std::max<std::size_t>(stop.token.size(), 1));
  if (!is_word_character(text[at]) && !has(stop.why, "invalid number")) return at;
  while (at > 0 && is_word_character(text[at - 1])) --at;
  return at;
}

// Some letters on either side of byte `at`, on one line.
std::string letters_around(std::string_view text, std::size_t at) {
  std::size_t begin = at - std::min(at, kNearBytes);
  while (begin < at && (text[begin] & '\xC0') == '\x80') ++begin;
  return shown(text.substr(begin), at - begin + kNearBytes);
}

[[noreturn]] void fail_at(std::string_view text, const std::string& file, int64_t first_line,
                          const JsonBuilder& builder) {
  const auto& stop = *builder.stop();
  const auto at = start_of_fault(text, stop);
  const auto before = text.substr(0, at);
  const auto line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  const auto column = 1 + std::count_if(before.begin() + static_cast<std::ptrdiff_t>(line_begin), before.end(),
                                        [](char c) { return (c & '\xC0') != '\x80'; });
  const auto place = builder.is_complete() ? "" : builder.place();
  const auto letters = letters_around(text, at);
  throw BadFile(file, ":", first_line + std::count(before.begin(), before.end(), '\n'),
                ": is not JSON: ", cause_of(text, at, stop, builder.is_complete()), " (column ", column,
                place.empty() ? "" : ", ", place, letters.empty() ? "" : concat("; near '", letters, "'"), ")");
}

template <class Json>
std::string dumped(const Json& value, int indent) {
  return value.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace

json parse_json(std::string_view text, const std::string& file, int64_t first_line, std::size_t max_depth) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    throw BadFile(file, ": is UTF-16 text; save it as UTF-8");
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  JsonBuilder builder(max_depth);
  if (json::sax_parse(text, &builder)) return builder.take();
  if (builder.stop()) fail_at(text, file, first_line, builder);
  const auto place = builder.place();
  const auto line = place.empty() || first_line > 1 ? concat(":", first_line) : "";
  throw BadFile(file, line, place.empty() ? "" : ": ", place, ": ", builder.problem());
}

json parse_json_object(std::string_view text, const std::string& file, int64_t first_line, std::size_t max_depth) {
  auto value = parse_json(text, file, first_line, max_depth);
  if (!value.is_object()) {
    throw BadFile(file, first_line > 1 ? concat(":", first_line) : "", ": is not a JSON object but a ",
                  value.is_array() ? "list" : value.type_name());
  }
  return value;
}

std::string json_text(const json& value, int indent) {
  return dumped(value, indent);
}

std::string json_text(const nlohmann::ordered_json& value, int indent) {
  return dumped(value, indent);
}

std::string short_json(const json& value) {
  const auto text = dumped(value, -1);
  return text.size() <= kShortBytes ? text : shown(text, kShortBytes) + "...";
}

}  // namespace glint
