#include "glint/eval/signature.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "glint/core/utf8.h"

namespace glint {
namespace {

using SignatureFields = std::vector<std::pair<std::string, std::string>>;  // key, value, in the line's order

constexpr const char* kUnknownNumber = "?";
constexpr const char* kIncomparable[] = {"protocol", "q", "g", "ids", "cap", "truth", "dir"};
constexpr const char* kSettings[] = {"ties", "post", "T", "fps", "cut", "glint"};

bool is_plain_in_signature(char c) {
  return static_cast<unsigned char>(c) > ' ' && c != '|' && c != 0x7F;
}

std::string one_word(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return !is_plain_in_signature(c); }, '_');
  return text.empty() ? "_" : text;
}

std::string shortest_number(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

SignatureFields fields_of(const EvaluationSignature& s) {
  SignatureFields fields = {{"protocol", one_word(s.protocol)}, {"q", std::to_string(s.queries)},
                            {"g", std::to_string(s.gallery)},   {"ids", one_word(s.ids)},
                            {"cap", one_word(s.captions)},      {"truth", one_word(s.truth)}};
  if (!s.direction.empty()) fields.emplace_back("dir", one_word(s.direction));
  fields.emplace_back("ties", one_word(s.ties));
  fields.emplace_back("post", one_word(s.postprocess));
  fields.emplace_back("T", s.frames ? std::to_string(*s.frames) : kUnknownNumber);
  fields.emplace_back("fps", s.fps ? shortest_number(*s.fps) : kUnknownNumber);
  if (s.max_seconds) fields.emplace_back("cut", shortest_number(*s.max_seconds));
  fields.emplace_back("glint", one_word(s.glint));
  return fields;
}

// Takes the fields of a line one after the other; every sentence it throws names the place.
class SignatureReader {
 public:
  SignatureReader(std::string_view text, const std::string& where) : where_(where) {
    if (find_bad_utf8(text)) fail("is not UTF-8");
    if (!std::all_of(text.begin(), text.end(), [](char c) { return c == '|' || is_plain_in_signature(c); }))
      fail("holds a space or a control character");
    for (std::size_t begin = 0; begin <= text.size();) {
      const auto end = std::min(text.find('|', begin), text.size());
      words_.emplace_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  std::string word() {
    const auto value = next_word();
    if (value.empty()) fail("begins with an empty protocol");
    return value;
  }
  std::string text(const std::string& key) {
    if (!has(key)) fail(concat("has no field '", key, "' in place ", next_ + 1));
    const auto value = next_word().substr(key.size() + 1);
    if (value.empty()) fail(concat("has an empty field '", key, "'"));
    return value;
  }
  std::int64_t count(const std::string& key) {
    const auto value = number<std::int64_t>(key, text(key));
    if (value < 0) fail(concat("has the field '", key, "' below 0"));
    return value;
  }
  std::optional<double> rate(const std::string& key) {
    const auto value = text(key);
    if (value == kUnknownNumber) return std::nullopt;
    const auto rate = number<double>(key, value);
    if (!std::isfinite(rate) || rate < 0) fail(concat("has the field '", key, ":", value, "', which is no rate"));
    return rate;
  }
  std::optional<std::int64_t> count_or_unknown(const std::string& key) {
    if (has(key) && words_[next_].substr(key.size() + 1) == kUnknownNumber) {
      ++next_;
      return std::nullopt;
    }
    return count(key);
  }
  bool has(const std::string& key) const { return next_ < words_.size() && words_[next_].rfind(key + ":", 0) == 0; }
  void finish() const {
    if (next_ < words_.size()) fail(concat("has the unknown field '", words_[next_], "'"));
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(where_, ": the evaluation signature ", what, "; evaluate again with this glint");
  }

 private:
  std::string next_word() { return next_ < words_.size() ? words_[next_++] : std::string(); }

  template <class Number>
  Number number(const std::string& key, const std::string& value) const {
    Number result = 0;
    const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (problem != std::errc() || end != value.data() + value.size())
      fail(concat("has the field '", key, ":", value, "', which is no number"));
    return result;
  }

  const std::string& where_;
  std::vector<std::string> words_;
  std::size_t next_ = 0;
};

std::string value_of(const SignatureFields& fields, const std::string& key) {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == key; });
  return found == fields.end() ? "-" : found->second;
}

}  // namespace

std::string to_text(const EvaluationSignature& signature) {
  std::string line;
  for (const auto& [key, value] : fields_of(signature)) line += line.empty() ? value : concat("|", key, ":", value);
  return line;
}

EvaluationSignature parse_signature(std::string_view text, const std::string& where) {
  SignatureReader reader(text, where);
  EvaluationSignature s;
  s.protocol = reader.word();
  s.queries = reader.count("q");
  s.gallery = reader.count("g");
  s.ids = reader.text("ids");
  s.captions = reader.text("cap");
  s.truth = reader.text("truth");
  if (reader.has("dir")) s.direction = reader.text("dir");
  s.ties = reader.text("ties");
  if (s.ties != "optimistic" && s.ties != "average")
    reader.fail(concat("has the unknown field 'ties:", s.ties, "'; there are optimistic and average"));
  s.postprocess = reader.text("post");
  s.frames = reader.count_or_unknown("T");
  s.fps = reader.rate("fps");
  if (reader.has("cut")) s.max_seconds = reader.rate("cut");
  s.glint = reader.text("glint");
  reader.finish();
  return s;
}

std::string signature_ids(const std::vector<std::string>& queries, const std::vector<std::string>& video_of_query,
                          const std::vector<std::string>& gallery) {
  GLINT_CHECK(queries.size() == video_of_query.size(), queries.size(), " texts, ", video_of_query.size(), " videos");
  std::vector<std::string> pairs;
  for (std::size_t i = 0; i < queries.size(); ++i) pairs.push_back(concat(queries[i], "\t", video_of_query[i], "\n"));
  std::sort(pairs.begin(), pairs.end());
  auto videos = gallery;
  std::sort(videos.begin(), videos.end());
  std::string text;
  for (const auto& line : pairs) text += line;
  text += "\n";
  for (const auto& id : videos) text += id + "\n";
  return sha256(text).substr(0, 8);
}

std::optional<UnlikeField> incomparable_field(const EvaluationSignature& a, const EvaluationSignature& b) {
  const auto of_a = fields_of(a), of_b = fields_of(b);
  for (const auto* key : kIncomparable) {
    if (value_of(of_a, key) != value_of(of_b, key)) return UnlikeField{key, value_of(of_a, key), value_of(of_b, key)};
  }
  return std::nullopt;
}

std::vector<UnlikeField> differing_settings(const EvaluationSignature& a, const EvaluationSignature& b) {
  const auto of_a = fields_of(a), of_b = fields_of(b);
  std::vector<UnlikeField> unlike;
  for (const auto* key : kSettings) {
    if (value_of(of_a, key) != value_of(of_b, key)) unlike.push_back({key, value_of(of_a, key), value_of(of_b, key)});
  }
  return unlike;
}

}  // namespace glint
