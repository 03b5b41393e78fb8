#include "app/compare_runs.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/text_file.h"
#include "glint/core/user_path.h"
#include "glint/core/utf8.h"

namespace glint::app {
namespace {

namespace fs = std::filesystem;

// What a run is called, and what tells whether another run is the same system.
struct RunIdentity {
  std::string name;
  std::string settings;  // config.yaml without train.seed and run.dir; empty: there is none
  std::string seed;
};

fs::path without_slash(const fs::path& path) {
  return path.has_filename() ? path : path.parent_path();
}

// config.yaml has one setting a line, those of a section indented below its name.
RunIdentity identity_of(const fs::path& evaluation) {
  const auto folder = run_folder_of(evaluation);
  RunIdentity identity{folder.filename().string(), "", ""};
  if (!files::exists(folder / "config.yaml")) return identity;
  std::istringstream lines(read_text(folder / "config.yaml"));
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line[0] != ' ') section = line.substr(0, line.find(':'));
    if (section == "train" && line.rfind("  seed:", 0) == 0) {
      identity.seed = line.substr(7);
    } else if (section != "run" || line.rfind("  dir:", 0) != 0) {
      identity.settings += line + "\n";
    }
  }
  return identity;
}

class ArmList {
 public:
  explicit ArmList(std::string split) : split_(std::move(split)) {}

  void add_named(const std::string& name, const std::string& words) {
    if (name.empty()) throw Error("='", words, "': the arm has no name; write NAME=RUN,RUN");
    require_utf8(name, "the name of an arm");
    auto& arm = new_arm(name);
    std::istringstream list(words);
    for (std::string word; std::getline(list, word, ',');) arm.runs.push_back(read_once(word));
    if (arm.runs.empty()) throw Error(name, "=: the arm has no runs; write ", name, "=RUN,RUN");
  }

  void add_run(const std::string& word) {
    auto run = read_once(word);
    const auto identity = identity_of(run.folder);
    const auto key = identity.settings + to_text(run.signature);
    auto found = arm_of_key_.find(key);
    if (identity.settings.empty() || found == arm_of_key_.end()) {
      const bool is_new =
          std::none_of(arms_.begin(), arms_.end(), [&](const auto& arm) { return arm.name == identity.name; });
      new_arm(is_new ? identity.name : word).runs.push_back(std::move(run));
      if (!identity.settings.empty()) arm_of_key_[key] = arms_.size() - 1;
      seeds_.insert(key + identity.seed);
      return;
    }
    auto& arm = arms_[found->second];
    if (!seeds_.insert(key + identity.seed).second)
      throw Error(word, ": has the settings, the seed and the evaluation of ", arm.runs.front().folder.string(),
                  "; name the arms to compare them all the same, as A=", arm.runs.front().folder.string(), " B=", word);
    arm.runs.push_back(std::move(run));
  }

  std::vector<ComparedArm> take() {
    if (arms_.empty()) throw Error("there is nothing to compare; give two run folders or more");
    if (arms_.size() < 2)
      throw Error(
          "the runs given are one arm, '", arms_.front().name,
          "': their settings differ in train.seed at most; give a run with other settings too, or name the arms, "
          "as A=RUN,RUN B=RUN,RUN");
    return std::move(arms_);
  }

 private:
  ComparedArm& new_arm(const std::string& name) {
    for (const auto& arm : arms_) {
      if (arm.name == name) throw Error(name, ": two arms have this name; give each its own, as NAME=RUN,RUN");
    }
    arms_.push_back({name, {}});
    return arms_.back();
  }

  ComparedRun read_once(const std::string& given) {
    const auto word = expand_home(given, "compare");
    const auto folder = evaluation_folder(word, split_);
    if (!folders_.insert(files::canonical(folder)).second) throw Error(word, ": is given twice; give each run once");
    return read_compared_run(folder);
  }

  std::string split_;
  std::vector<ComparedArm> arms_;
  std::map<std::string, std::size_t> arm_of_key_;
  std::set<std::string> seeds_;  // key and seed of the runs so far
  std::set<fs::path> folders_;
};

}  // namespace

fs::path evaluation_folder(const std::string& word, const std::string& split) {
  const fs::path path = without_slash(fs::path(word).lexically_normal());
  if (!files::exists(path)) throw Error(word, ": there is no such file or folder; give a folder such as runs/demo");
  const fs::path folder = files::is_folder(path) ? path : path.has_parent_path() ? path.parent_path() : ".";
  if (files::exists(folder / "ranks.safetensors")) return folder;
  const auto of_split = folder / "eval" / split;
  if (files::exists(of_split / "ranks.safetensors")) return of_split;
  throw Error(word, ": has no ranks of split ", split, " (", (of_split / "ranks.safetensors").string(),
              " is not there); run glint eval ", word, " first, or name another --split");
}

fs::path run_folder_of(const fs::path& evaluation) {
  const auto folder = without_slash(files::absolute(evaluation).lexically_normal());
  return folder.parent_path().filename() == "eval" ? folder.parent_path().parent_path() : folder;
}

std::vector<ComparedArm> read_compared_arms(const std::vector<std::string>& words, const std::string& split) {
  ArmList arms(split);
  for (const auto& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || files::exists(word)) {
      arms.add_run(word);
    } else {
      arms.add_named(word.substr(0, equals), word.substr(equals + 1));
    }
  }
  return arms.take();
}

std::size_t baseline_index(const std::vector<ComparedArm>& arms, const std::string& baseline) {
  if (baseline.empty()) return 0;
  std::string names;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    if (arms[i].name == baseline) return i;
    names += (i == 0 ? "" : ", ") + arms[i].name;
  }
  std::size_t number = 0;
  const auto [end, problem] = std::from_chars(baseline.data(), baseline.data() + baseline.size(), number);
  if (problem == std::errc() && end == baseline.data() + baseline.size() && number >= 1 && number <= arms.size())
    return number - 1;
  throw Error("--baseline: no arm '", baseline, "'; there are ", names, ", or their numbers from 1");
}

}  // namespace glint::app
