#include "glint/config/config_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <string_view>

#include "config/fields.h"
#include "config/suggestion.h"
#include "glint/config/eval_bank.h"
#include "glint/config/yaml_tree.h"
#include "glint/core/error.h"
#include "glint/core/file_kind.h"
#include "glint/core/text_file.h"
#include "glint/core/user_path.h"
#include "glint/core/utf8.h"

namespace glint {
namespace {

using Kind = YamlNode::Kind;

const std::string kCommandLine = "command line";
constexpr std::size_t kFileLimit = 1 << 20;  // bytes

// Where a value stands: "a.yaml: config.optim.lr (line 3)".
struct Place {
  const std::string& source;
  std::string key;

  [[noreturn]] void fail(const YamlNode& node, const std::string& what) const {
    const std::string line = node.line > 0 ? concat(" (line ", node.line, ")") : "";
    throw Error(source, ": config.", key, line, ": ", what);
  }
};

std::string shown(const YamlNode& node) {
  switch (node.kind) {
    case Kind::kNothing:
      return "nothing";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a section";
    default:
      return concat("'", node.text.substr(0, 80), node.text.size() > 80 ? "...'" : "'");
  }
}

// Reads all of `text` as a number; false where it is not one (or, for int64_t, not whole or too large).
template <class Number>
bool parse(const std::string& text, Number& value) {
  const char* begin = text.data() + (text.size() > 1 && text[0] == '+' && text[1] != '-' ? 1 : 0);
  const char* end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(begin, end, value);
  return problem == std::errc() && rest == end;
}

void check_range(const YamlNode& node, double value, const SettingRule& rule, const Place& place) {
  if (!rule.allows(value)) {
    const bool interval = std::isfinite(rule.high);
    place.fail(node, concat("must be ", interval ? "in " : "", rule.text(), ", is ", node.text));
  }
}

void read_value(const YamlNode& node, double& value, const SettingRule& rule, const Place& place) {
  double read = 0;
  if (node.kind != Kind::kText || !parse(node.text, read) || !std::isfinite(read)) {
    place.fail(node, concat("must be a number, is ", shown(node)));
  }
  check_range(node, read, rule, place);
  value = read;
}

void read_value(const YamlNode& node, int64_t& value, const SettingRule& rule, const Place& place) {
  int64_t read = 0;
  if (node.kind != Kind::kText || !parse(node.text, read)) {
    place.fail(node, concat("must be a whole number, is ", shown(node)));
  }
  check_range(node, static_cast<double>(read), rule, place);
  value = read;
}

void read_value(const YamlNode& node, bool& value, const SettingRule&, const Place& place) {
  if (node.kind != Kind::kText || (node.text != "true" && node.text != "false")) {
    place.fail(node, concat("must be true or false, is ", shown(node)));
  }
  value = node.text == "true";
}

void read_value(const YamlNode& node, std::string& value, const SettingRule& rule, const Place& place) {
  if (node.kind == Kind::kNothing) place.fail(node, "has no value; write \"\" for an empty one");
  if (node.kind != Kind::kText) place.fail(node, concat("must be a word, is ", shown(node)));
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
  if (std::any_of(node.text.begin(), node.text.end(), is_control) || find_bad_utf8(node.text)) {
    place.fail(node, "holds a character that is not text");
  }
  const auto& words = rule.choices;
  if (!words.empty() && std::find(words.begin(), words.end(), node.text) == words.end()) {
    const std::vector<std::string> known(words.begin(), words.end());
    place.fail(node, concat("no such choice ", shown(node), "; there are ", joined(known)));
  }
  value = rule.is_path ? expand_home(node.text, concat(place.source, ": config.", place.key)) : node.text;
}

// Reads one section: each field takes its value from `node` where that has the key, and keeps what it holds where not.
class SectionReader {
 public:
  SectionReader(const std::string& source, YamlNode& node, std::string path, std::set<std::string>* given)
      : source_(source), node_(node), path_(std::move(path)), given_(given) {
    if (node.kind != Kind::kMap && node.kind != Kind::kNothing) {
      Place{source_, path_}.fail(node, concat("is a section with keys of its own, not ", shown(node)));
    }
  }

  template <class Value>
  void field(const char* name, Value& value, const SettingRule& rule, const char*) {
    if (const auto* node = take(name)) read_value(*node, value, rule, {source_, full(name)});
  }
  template <class Section>
  void section(const char* name, Section& section) {
    if (auto* node = take(name)) read_section(*node, name, section);
  }
  void head(const char* name, HeadConfig& head, const char* help);

  // Refuses keys that nobody asked for.
  void finish() const {
    for (const auto& [key, node] : node_.children) {
      if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
        Place{source_, full(key.substr(0, 80))}.fail(node, concat("unknown key", hint_for_key(path_, key, known_)));
      }
    }
  }

 private:
  template <class Section>
  void read_section(YamlNode& node, const std::string& name, Section& section) {
    SectionReader reader(source_, node, full(name), given_);
    describe(reader, section);
    reader.finish();
  }
  YamlNode* take(const std::string& name) {
    known_.push_back(name);
    auto* node = node_.find(name);
    if (node != nullptr && given_ != nullptr) given_->insert(full(name));
    return node;
  }
  std::string full(const std::string& name) const { return path_.empty() ? name : path_ + "." + name; }

  const std::string& source_;
  YamlNode& node_;
  std::string path_;
  std::set<std::string>* given_;
  std::vector<std::string> known_;
};

// A section whose key `name` says which alternative the other keys belong to; another one than before starts anew.
void SectionReader::head(const char* name, HeadConfig& head, const char*) {
  auto* node = take(name);
  if (node == nullptr) return;
  SectionReader reader(source_, *node, full(name), given_);
  if (const auto* choice = reader.take("name")) {
    const Place place{source_, full(name) + ".name"};
    if (choice->kind != Kind::kText) place.fail(*choice, concat("must be a word, is ", shown(*choice)));
    const auto heads = all_heads();
    const auto chosen =
        std::find_if(heads.begin(), heads.end(), [&](const auto& known) { return head_name(known) == choice->text; });
    if (chosen == heads.end()) {
      place.fail(*choice, concat("no head ", shown(*choice), "; there are ", joined(head_names())));
    }
    if (chosen->index() != head.index()) head = *chosen;
  }
  std::visit([&](auto& alternative) { describe(reader, alternative); }, head);
  reader.finish();
}

void apply(YamlNode& tree, const std::string& source, Config& config, std::set<std::string>* given) {
  if (tree.kind != Kind::kMap && tree.kind != Kind::kNothing) {
    throw Error(source, ": holds ", shown(tree), " where sections (data:, train:, ...) are expected");
  }
  SectionReader reader(source, tree, "", given);
  describe(reader, config);
  reader.finish();
}

// "optim.lr=1e-4" into the tree; a later word wins.
void add_word(const std::string& word, YamlNode& tree) {
  const auto equals = word.find('=');
  if (equals == 0 || equals == std::string::npos) {
    throw Error("command line: '", word, "' is not a setting; write section.key=value, as in optim.lr=1e-4");
  }
  YamlNode* node = &tree;
  std::size_t begin = 0;
  while (begin <= equals) {
    const std::size_t end = std::min(word.find('.', begin), equals);
    const std::string key = word.substr(begin, end - begin);
    if (node->kind != Kind::kMap) throw Error("command line: '", word, "' and an earlier word contradict each other");
    YamlNode* child = node->find(key);
    if (child == nullptr) child = &node->children.emplace_back(key, YamlNode{}).second;
    node = child;
    begin = end + 1;
  }
  if (!node->children.empty()) throw Error("command line: '", word, "' and an earlier word contradict each other");
  *node = {.kind = Kind::kText, .line = 0, .text = word.substr(equals + 1), .children = {}};
}

// Leaves of a tree of settings those that `keys` name.
void keep_only(YamlNode& node, const std::string& path, const std::set<std::string>& keys) {
  const auto full = [&](const std::string& name) { return path.empty() ? name : path + "." + name; };
  for (auto& [name, child] : node.children) keep_only(child, full(name), keys);
  std::erase_if(node.children,
                [&](const auto& child) { return child.second.children.empty() && keys.count(full(child.first)) == 0; });
}

constexpr int64_t kLargestShortRunPatch = 32;  // pixels; how 3 p p values vary together is a table of their square

// A setting that would have no effect would be claimed all the same.
void check_effects(const std::string& file, const std::set<std::string>& words, const Config& config) {
  Config defaults;
  defaults.head = all_heads()[config.head.index()];
  const auto settings = list_settings(config), untouched = list_settings(defaults);
  std::map<std::string, std::string> values;
  for (const auto& setting : settings) values[setting.key] = setting.value;
  for (std::size_t i = 0; i < settings.size(); ++i) {
    const auto& [key, value, rule] = settings[i];
    if (rule.condition.key.empty() || value == untouched[i].value) continue;
    const auto other = key.substr(0, key.rfind('.') + 1).append(rule.condition.key);
    const auto is = [&](std::string_view wanted) { return values.at(other) == (wanted.empty() ? "\"\"" : wanted); };
    const auto& wanted = rule.condition.values;
    if (std::any_of(wanted.begin(), wanted.end(), is) != rule.condition.is_negated) continue;
    const auto cause = is("") ? concat("without ", other) : concat("with ", other, "=", values.at(other));
    throw Error(words.count(key) > 0 ? kCommandLine : file, ": config.", key, " has no effect ", cause,
                "; leave it out");
  }
}

constexpr std::size_t kLongestSplitName = 100;  // bytes

// Results of a split lie in a folder of its name.
void check_split_names(const std::string& source, const Config& config) {
  const std::pair<const char*, const std::string&> names[] = {{"data.train_split", config.data.train_split},
                                                              {"data.val_split", config.data.val_split},
                                                              {"data.test_split", config.data.test_split},
                                                              {"eval.split", config.eval.split}};
  for (const auto& [key, name] : names) {
    const bool is_plain = !name.starts_with('.') && name.find_first_of("/\\") == std::string::npos;
    if (is_plain && name.size() <= kLongestSplitName) continue;
    throw Error(source, ": config.", key, " is '", name.substr(0, kLongestSplitName),
                name.size() > kLongestSplitName ? "...'" : "'",
                ", and results lie in a folder of that name; name a split without / and \\, that does not begin with a "
                "dot and has at most ",
                kLongestSplitName, " bytes");
  }
}

// What no single value shows.
void check_together(const std::string& source, const std::set<std::string>& words, const Config& config) {
  check_split_names(source, config);
  if (!config.data.val_split.empty() && config.data.val_split == config.data.test_split) {
    throw Error(source, ": config.data.val_split is '", config.data.val_split,
                "', which is data.test_split too; the checkpoint may not be chosen on the test set");
  }
  if (!config.model.weights.empty() && config.model.start != "openai") {
    throw Error(
        source, ": config.model.start is '", config.model.start,
        "', a start from nothing, and config.model.weights names weights to start from; set model.start=openai to "
        "start from the weights");
  }
  parse_bank(config.eval.bank);
  check_effects(source, words, config);
  if (config.model.start == "short_run" && config.model.towers.patch_size > kLargestShortRunPatch) {
    throw Error(source, ": config.model.start is 'short_run', which is for patches of at most ", kLargestShortRunPatch,
                " pixels, and config.model.towers.patch_size is ", config.model.towers.patch_size);
  }
  if (config.model.weights.empty() && config.model.towers.context_length < config.text.max_words) {
    throw Error(source, ": config.model.towers.context_length is ", config.model.towers.context_length,
                ", less than text.max_words, ", config.text.max_words);
  }
}

}  // namespace

std::string key_of(const std::string& word) {
  return word.substr(0, word.find('='));
}

std::optional<SettingRule> find_rule(const std::string& key) {
  for (const auto& head : all_heads()) {
    Config config;
    config.head = head;
    for (const auto& setting : list_settings(config)) {
      if (setting.key == key) return setting.rule;
    }
  }
  return std::nullopt;
}

void take_settings(Config& config, const Config& from, const std::function<bool(const Setting&)>& is_taken) {
  std::set<std::string> keys;
  for (const auto& setting : list_settings(from)) {
    const bool is_other_head = setting.key.starts_with("head.") && config.head.index() != from.head.index();
    if (!is_other_head && is_taken(setting)) keys.insert(setting.key);
  }
  auto tree = parse_yaml(config_text(from), "settings");
  keep_only(tree, "", keys);
  apply(tree, "settings", config, nullptr);
}

Config read_config(const std::filesystem::path& path, const std::vector<std::string>& overrides,
                   std::set<std::string>* given) {
  Config config;
  const std::string source = path.empty() ? kCommandLine : path.string();
  if (!path.empty()) {
    const auto text = read_unpacked(path, kFileLimit);
    if (const auto kind = kind_that_is_no_text(text)) throw BadFile(source, ": ", *kind);
    auto tree = parse_yaml(text, source);
    apply(tree, source, config, given);
  }
  YamlNode words;
  for (const auto& word : overrides) add_word(word, words);
  std::set<std::string> given_words;
  apply(words, kCommandLine, config, &given_words);
  if (given != nullptr) given->insert(given_words.begin(), given_words.end());
  // Weights of the command line are the start, whatever the file would start from without any.
  const bool has_weights = given_words.count("model.weights") != 0 && !config.model.weights.empty();
  if (has_weights && given_words.count("model.start") == 0) config.model.start = ModelConfig().start;
  if (config.run.dir.empty() && !path.empty()) {
    config.run.dir = "runs/" + path.stem().string();
    require_utf8(config.run.dir, concat(source, ": the run folder, which is named after it"));
  }
  check_together(source, given_words, config);
  return config;
}

}  // namespace glint
