#include "glint/config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>

#include "glint/core/error.h"
#include "glint/core/utf8.h"

namespace glint {
namespace {

constexpr std::size_t kMaxDepth = 8;  // settings nest three deep

[[noreturn]] void fail(const std::string& file, int line, const std::string& what) {
  throw Error(file, " (line ", line, "): ", what);
}

int line_of(const YAML::Mark& mark) {
  return mark.line + 1;
}

// Builds the tree from the parser's events. yaml-cpp's own tree would follow aliases (a few lines can stand for
// gigabytes) and keep the last of two equal keys.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const std::string& file) : file_(file) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    place({.kind = YamlNode::Kind::kNothing, .line = line_of(mark), .text = {}, .children = {}}, "~");
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_anchor(mark, 1); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, const std::string& value) override {
    refuse_anchor(mark, anchor);
    place({.kind = YamlNode::Kind::kText, .line = line_of(mark), .text = value, .children = {}}, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, anchor, YamlNode::Kind::kList);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, anchor, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { close(); }

  YamlNode take_root() { return std::move(root_); }

 private:
  // A map or list that is not finished yet.
  struct Open {
    YamlNode node;
    std::string key;  // of the value to come
    int key_line = 0;
    bool has_key = false;
  };

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) const {
    if (anchor != 0) fail(file_, line_of(mark), "anchors and aliases (& and *) are not read here; write the value out");
  }

  void open(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind) {
    refuse_anchor(mark, anchor);
    if (open_.size() >= kMaxDepth) fail(file_, line_of(mark), "is nested too deeply");
    if (!open_.empty() && open_.back().node.kind == YamlNode::Kind::kMap && !open_.back().has_key) {
      fail(file_, line_of(mark), "a key must be a word");
    }
    open_.push_back({{.kind = kind, .line = line_of(mark), .text = {}, .children = {}}, {}, 0, false});
  }

  void close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    place(std::move(node), "");
  }

  void place(YamlNode node, const std::string& as_key) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::kList) {
      parent.node.children.emplace_back("", std::move(node));
      return;
    }
    if (!parent.has_key) {
      if (const auto* first = parent.node.find(as_key)) {
        fail(file_, node.line, concat("key '", as_key, "' is given twice; first on line ", first->line));
      }
      parent.key = as_key;
      parent.key_line = node.line;
      parent.has_key = true;
      return;
    }
    node.line = parent.key_line;  // messages point at the key
    parent.node.children.emplace_back(std::move(parent.key), std::move(node));
    parent.has_key = false;
  }

  const std::string& file_;
  YamlNode root_;
  std::vector<Open> open_;
};

// yaml-cpp takes some tabs for spaces and stumbles over others far from where they stand.
void refuse_tabs(const std::string& text, const std::string& file) {
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const auto first = line.find_first_not_of(" \t");
    if (first == std::string::npos || line[first] == '#') continue;
    if (line.find('\t') < first) fail(file, number, "is indented with a tab; YAML wants spaces");
  }
}

void refuse_bad_characters(const std::string& text, const std::string& file) {
  const auto bad = find_bad_utf8(text);
  const auto nul = text.find('\0');
  const std::size_t at = std::min(bad.value_or(std::string::npos), nul);
  if (at == std::string::npos) return;
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  fail(file, static_cast<int>(line), "is not UTF-8 text");
}

}  // namespace

YamlNode* YamlNode::find(const std::string& key) {
  const auto found =
      std::find_if(children.begin(), children.end(), [&](const auto& child) { return child.first == key; });
  return found == children.end() ? nullptr : &found->second;
}

YamlNode parse_yaml(const std::string& text, const std::string& file) {
  refuse_bad_characters(text, file);
  refuse_tabs(text, file);
  std::istringstream in(text);
  TreeBuilder builder(file);
  try {
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder)) return {};
    YamlNode root = builder.take_root();
    TreeBuilder rest(file);
    if (parser.HandleNextDocument(rest)) fail(file, rest.take_root().line, "a second document begins; one is read");
    return root;
  } catch (const YAML::Exception& problem) {  // yaml-cpp's own words, without its prefix
    fail(file, std::max(1, line_of(problem.mark)), concat("is not YAML: ", problem.msg));
  }
}

}  // namespace glint
