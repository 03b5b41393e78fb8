#include <algorithm>
#include <charconv>
#include <map>

#include "glint/config/config_file.h"
#include "glint/config/yaml_tree.h"
#include "glint/core/error.h"
#include "glint/core/nearest.h"
#include "glint/core/text_file.h"
#include "glint/study/study.h"

namespace glint {
namespace {

namespace fs = std::filesystem;
using Kind = YamlNode::Kind;

const std::map<std::string, StudyMeasure> kMeasures = {
    {"accuracy", StudyMeasure::kAccuracy}, {"convergence", StudyMeasure::kConvergence}, {"cost", StudyMeasure::kCost}};

// Reads one file, and says in every message where.
class StudyReader {
 public:
  explicit StudyReader(fs::path file) : file_(std::move(file)) {}

  Study read() {
    const auto tree = parse_yaml(read_text(file_), file_.string());
    refuse_unknown(tree,
                   {"study", "question", "base", "set", "arms", "seeds", "vary", "evaluate_on", "measure", "metric"});
    study_.file = file_;
    study_.name = name_of(required(tree, "study"), "study");
    if (const auto* question = find(tree, "question")) study_.question = text_of(*question, "question");
    if (const auto* metric = find(tree, "metric")) study_.metric = text_of(*metric, "metric");
    if (const auto* base = find(tree, "base")) base_ = text_of(*base, "base");
    if (const auto* set = find(tree, "set")) study_.settings = settings_of(*set, "set");
    seeds_ = seeds_of(required(tree, "seeds"));
    read_arms(required(tree, "arms"));
    if (const auto* vary = find(tree, "vary")) read_sweeps(*vary);
    if (const auto* others = find(tree, "evaluate_on")) read_transfers(*others);
    if (const auto* measure = find(tree, "measure")) read_measures(*measure);
    const bool falls = study_.metric.ends_with("MnR") || study_.metric.ends_with("MdR");
    if (falls && study_.measure.contains(StudyMeasure::kConvergence))
      fail(*find(tree, "metric"), "metric: ", study_.metric,
           " falls as a model learns; convergence takes one that rises, as t2v/R@1");
    return std::move(study_);
  }

 private:
  template <class... Parts>
  [[noreturn]] void fail(const YamlNode& node, const Parts&... parts) const {
    throw Error(file_.string(), " (line ", node.line, "): ", parts...);
  }

  static const YamlNode* find(const YamlNode& map, const std::string& key) {
    for (const auto& [name, child] : map.children) {
      if (name == key) return &child;
    }
    return nullptr;
  }

  const YamlNode& required(const YamlNode& map, const std::string& key) const {
    if (const auto* node = find(map, key)) return *node;
    throw Error(file_.string(), ": has no '", key, "'; glint study init losses prints a file that has all");
  }

  void refuse_unknown(const YamlNode& map, const std::vector<std::string>& known) const {
    if (map.kind != Kind::kMap) throw Error(file_.string(), ": is no study file; glint study init losses prints one");
    for (const auto& [name, child] : map.children) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      const auto meant = nearest(name, known);
      fail(child, "there is no '", name, "' in a study file", meant.empty() ? "" : "; did you mean " + meant + "?");
    }
  }

  std::string text_of(const YamlNode& node, const std::string& key) const {
    if (node.kind != Kind::kText || node.text.empty()) fail(node, key, ": must be one value");
    return node.text;
  }

  // What becomes part of a folder's name.
  std::string name_of(const YamlNode& node, const std::string& key) const {
    const auto name = text_of(node, key);
    check_name(node, name, key);
    return name;
  }

  void check_name(const YamlNode& node, const std::string& name, const std::string& key) const {
    const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.'; };
    if (name.empty() || name.size() > 60 || name[0] == '.' || !std::all_of(name.begin(), name.end(), fits)) {
      fail(node, key, ": '", name, "' cannot name a folder; take letters, digits, _ - and .");
    }
  }

  // "section.key: value", or "section: {key: value}".
  SettingWords settings_of(const YamlNode& node, const std::string& key) const {
    SettingWords words;
    if (node.kind == Kind::kNothing) return words;
    if (node.kind != Kind::kMap) fail(node, key, ": must be settings, as {train.epochs: 5}");
    for (const auto& [name, child] : node.children) add_settings(words, name, child);
    return words;
  }

  void add_settings(SettingWords& words, const std::string& name, const YamlNode& node) const {
    if (node.kind == Kind::kMap) {
      for (const auto& [key, child] : node.children) add_settings(words, name + "." + key, child);
      return;
    }
    if (node.kind == Kind::kList) fail(node, name, ": is a list; 'vary' tries several values of a setting");
    if (name == "run.dir") fail(node, "run.dir: every cell has its own folder, runs/", study_.name, "/...");
    if (name == "train.seed") fail(node, "train.seed: 'seeds' lists the seeds");
    words.push_back(name + "=" + node.text);
  }

  std::vector<std::int64_t> seeds_of(const YamlNode& node) const {
    std::vector<std::int64_t> seeds;
    for (const auto& text : list_of(node, "seeds")) {
      std::int64_t seed = 0;
      const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seed);
      if (problem != std::errc() || end != text.data() + text.size() || seed < 0)
        fail(node, "seeds: '", text, "' is no seed; give whole numbers from 0");
      if (std::find(seeds.begin(), seeds.end(), seed) != seeds.end()) fail(node, "seeds: ", seed, " stands twice");
      seeds.push_back(seed);
    }
    return seeds;
  }

  std::vector<std::string> list_of(const YamlNode& node, const std::string& key) const {
    if (node.kind == Kind::kText) return {node.text};
    if (node.kind != Kind::kList || node.children.empty()) fail(node, key, ": must be a list, as [1, 2, 3]");
    std::vector<std::string> values;
    for (const auto& [unused, child] : node.children) values.push_back(text_of(child, key));
    return values;
  }

  void read_arms(const YamlNode& node) {
    if (node.kind != Kind::kMap || node.children.empty()) fail(node, "arms: must name at least one, as {full: {}}");
    for (const auto& [name, child] : node.children) {
      check_name(child, name, "arms");
      StudyArm arm{.name = name, .base = base_, .settings = {}, .seeds = seeds_, .line = child.line};
      if (child.kind == Kind::kMap) {
        for (const auto& [key, value] : child.children) {
          if (key == "base") {
            arm.base = text_of(value, "base");
          } else if (key == "seeds") {
            arm.seeds = seeds_of(value);
          } else {
            add_settings(arm.settings, key, value);
          }
        }
      } else if (child.kind != Kind::kNothing) {
        fail(child, "arms: ", name, ": must be settings, as {head.icl_weight: 0}, or {}");
      }
      if (arm.base.empty()) fail(child, "arms: ", name, ": has no base; name a settings file in 'base'");
      study_.arms.push_back(std::move(arm));
    }
  }

  void read_sweeps(const YamlNode& node) {
    if (node.kind != Kind::kMap || node.children.empty())
      fail(node, "vary: must be settings with lists of values, as {video.num_frames: [4, 12]}");
    for (const auto& [key, child] : node.children) {
      if (key == "train.seed") fail(child, "vary: train.seed: 'seeds' lists the seeds");
      study_.sweeps.push_back({key, list_of(child, key)});
    }
  }

  void read_transfers(const YamlNode& node) {
    for (const auto& config : list_of(node, "evaluate_on")) {
      const auto path = fs::path(config);
      auto name = path.stem().string();
      // configs/glscl/msrvtt.yaml and configs/xpool/msrvtt.yaml may both stand there
      const auto is_taken = [&](const auto& other) { return other.name == name; };
      if (std::any_of(study_.evaluate_on.begin(), study_.evaluate_on.end(), is_taken))
        name = path.parent_path().filename().string() + "_" + name;
      check_name(node, name, "evaluate_on");
      if (std::any_of(study_.evaluate_on.begin(), study_.evaluate_on.end(), is_taken))
        fail(node, "evaluate_on: ", config, " stands twice");
      study_.evaluate_on.push_back({name, path});
    }
  }

  void read_measures(const YamlNode& node) {
    study_.measure.clear();
    for (const auto& word : list_of(node, "measure")) {
      const auto found = kMeasures.find(word);
      if (found == kMeasures.end())
        fail(node, "measure: there is no '", word, "'; there are accuracy, convergence, cost");
      study_.measure.insert(found->second);
    }
  }

  fs::path file_, base_;
  std::vector<std::int64_t> seeds_;
  Study study_;
};

}  // namespace

Study read_study(const fs::path& file) {
  return StudyReader(file).read();
}

}  // namespace glint
