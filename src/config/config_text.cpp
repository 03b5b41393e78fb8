#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>
#include <type_traits>

#include "config/fields.h"
#include "glint/config/config_file.h"
#include "glint/core/error.h"
#include "glint/core/hash.h"

namespace glint {
namespace {

constexpr std::size_t kHelpColumn = 34;

std::string text_of(bool value) {
  return value ? "true" : "false";
}

std::string text_of(int64_t value) {
  return std::to_string(value);
}

// The shortest digits that read back as the same number.
std::string text_of(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

// Plain where nobody could take it for anything but a word, else in double quotes. Settings hold no control characters.
std::string text_of(const std::string& value) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
  const bool starts_plain = !value.empty() && kPlain.substr(0, 52).find(value[0]) != std::string_view::npos;
  if (starts_plain && value.find_first_not_of(kPlain) == std::string::npos && value != "null" && value != "Null" &&
      value != "NULL") {
    return value;
  }
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

class Writer {
 public:
  Writer(bool with_comments, bool results_only) : with_comments_(with_comments), results_only_(results_only) {}

  template <class Value>
  void field(const char* name, const Value& value, const SettingRule& rule, const std::string& help) {
    if (results_only_ && !rule.changes_results) return;
    const std::string range = rule.text();
    line(concat(name, ": ", text_of(value)), concat(help, help.empty() || range.empty() ? "" : "; ", range));
  }
  template <class Section>
  void section(const char* name, Section& section) {
    body(name, [&] { describe(*this, section); });
  }
  void head(const char* name, HeadConfig& head, const std::string& help) {
    body(name, [&] {
      line(concat("name: ", head_name(head)), help);
      std::visit([&](auto& alternative) { describe(*this, alternative); }, head);
    });
  }
  const std::string& text() const { return text_; }

 private:
  template <class Fields>
  void body(const char* name, const Fields& fields) {
    const std::string before = text_;
    line(concat(name, ":"), "");
    const std::size_t empty = text_.size();
    indent_ += 2;
    fields();
    indent_ -= 2;
    if (text_.size() == empty) text_ = before;  // a section without keys would read as one without a value
  }
  void line(const std::string& setting, const std::string& help) {
    std::string line = std::string(indent_, ' ') + setting;
    if (with_comments_ && !help.empty()) {
      line.resize(std::max(line.size(), kHelpColumn), ' ');
      line += concat("  # ", help);
    }
    text_ += line + "\n";
  }

  bool with_comments_;
  bool results_only_;
  std::size_t indent_ = 0;
  std::string text_ = {};
};

struct Lister {
  std::vector<Setting> settings = {};
  std::string prefix = {};
  bool is_of_evaluation = false;
  bool is_of_head = false;

  template <class Value>
  void field(const char* name, const Value& value, const SettingRule& rule, const char*) {
    settings.push_back({prefix + name, text_of(value), rule});
    if (is_of_evaluation) settings.back().rule.on_resume = OnResume::kAnother;
    if (is_of_head) settings.back().rule = settings.back().rule.read_by(Stage::kScores);
  }
  template <class Section>
  void section(const char* name, Section& section) {
    const std::string outer = prefix;
    prefix += concat(name, ".");
    is_of_evaluation = std::is_same_v<Section, EvalConfig>;  // eval.*: what is measured, never what is trained
    describe(*this, section);
    is_of_evaluation = false;
    prefix = outer;
  }
  void head(const char* name, HeadConfig& head, const char*) {
    settings.push_back({concat(name, ".name"), head_name(head), any().of_weights().read_by(Stage::kScores)});
    is_of_head = true;
    std::visit([&](auto& alternative) { section(name, alternative); }, head);
    is_of_head = false;
  }
};

std::string written(Config config, bool with_comments, bool results_only) {
  Writer writer(with_comments, results_only);
  describe(writer, config);
  return writer.text();
}

}  // namespace

std::string config_text(const Config& config, bool with_comments) {
  return written(config, with_comments, false);
}

std::string config_hash(const Config& config) {
  const std::string text = written(config, false, true);
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(xxhash64(text.data(), text.size())));
  return digits;
}

std::vector<Setting> list_settings(const Config& config) {
  Lister lister;
  auto copy = config;
  describe(lister, copy);
  return lister.settings;
}

std::vector<std::string> head_names() {
  std::vector<std::string> names;
  for (const auto& head : all_heads()) names.push_back(head_name(head));
  return names;
}

std::string head_name(const HeadConfig& head) {
  return std::visit([](const auto& alternative) { return std::string(alternative.kName); }, head);
}

}  // namespace glint
