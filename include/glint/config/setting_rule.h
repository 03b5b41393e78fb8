#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace glint {

// What a setting is for, once there is a checkpoint.
enum class SettingRole {
  kFree,      // takes effect whenever a model runs
  kWeights,   // the weights fix it: another value is another model
  kTraining,  // has an effect on training alone
};

// What a run that goes on may do with a setting.
enum class OnResume {
  kSame,     // another value would be another run
  kAnother,  // it never touches what the run has done: paths, threads, when to save, what is evaluated
  kEnough,   // another value, not below what the run has done
};

// The stages of an evaluation: each can start from the file of the one before.
enum class Stage { kFeatures, kScores, kRanks };

// Another setting of the same section, and what its value must be, or must not be, for a setting to have an effect.
struct Condition {
  std::string_view key = {};  // empty: none
  std::vector<std::string_view> values = {};
  bool is_negated = false;
};

// What the value of a setting may be: a number within bounds, or one of some words.
struct SettingRule {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;  // the bound itself is not allowed
  bool high_open = false;
  std::vector<std::string_view> choices;
  bool changes_results = true;  // counts in config_hash()
  SettingRole role = SettingRole::kFree;
  OnResume on_resume = OnResume::kSame;
  bool is_of_machine = false;            // each machine of one training may have its own
  bool is_path = false;                  // a file or folder: a leading ~ is the home folder
  Stage first_stage = Stage::kFeatures;  // of an evaluation that reads it ...
  Stage last_stage = Stage::kFeatures;   // ... and the last one
  Condition condition = {};

  bool allows(double value) const {
    return (low_open ? value > low : value >= low) && (high_open ? value < high : value <= high);
  }
  // "> 0", ">= 0", "[0, 1)", "(0, 1000]"; empty where any number will do.
  std::string text() const;
  SettingRule without_effect() const {
    SettingRule rule = *this;
    rule.changes_results = false;
    return rule.on_resume_with(OnResume::kAnother);
  }
  SettingRule another_on_resume() const { return on_resume_with(OnResume::kAnother); }
  SettingRule enough_on_resume() const { return on_resume_with(OnResume::kEnough); }
  // Where a machine keeps its files and what it spends.
  SettingRule of_machine() const {
    SettingRule rule = *this;
    rule.is_of_machine = true;
    return rule.on_resume_with(OnResume::kAnother);
  }
  SettingRule path() const {
    SettingRule rule = *this;
    rule.is_path = true;
    return rule;
  }
  SettingRule on_resume_with(OnResume other) const {
    SettingRule rule = *this;
    rule.on_resume = other;
    return rule;
  }
  SettingRule read_by(Stage first, Stage last) const {
    SettingRule rule = *this;
    rule.first_stage = first;
    rule.last_stage = last;
    return rule;
  }
  SettingRule read_by(Stage only) const { return read_by(only, only); }
  // Has an effect where `key` is one of these alone; a value other than the default is refused elsewhere.
  SettingRule only_with(std::string_view key, std::vector<std::string_view> values) const {
    SettingRule rule = *this;
    rule.condition = {key, std::move(values), false};
    return rule;
  }
  SettingRule not_with(std::string_view key, std::vector<std::string_view> values) const {
    SettingRule rule = *this;
    rule.condition = {key, std::move(values), true};
    return rule;
  }
  SettingRule of_weights() const { return with(SettingRole::kWeights); }
  SettingRule of_training() const { return with(SettingRole::kTraining); }
  SettingRule with(SettingRole other) const {
    SettingRule rule = *this;
    rule.role = other;
    return rule;
  }
};

inline SettingRule any() {
  return {};
}
inline SettingRule above(double low) {
  return {.low = low, .low_open = true, .choices = {}};
}
inline SettingRule at_least(double low) {
  return {.low = low, .choices = {}};
}
// A number out of these is a slip of the pen, and what is computed from one within them overflows nothing.
inline SettingRule within(double low, double high) {
  return {.low = low, .high = high, .choices = {}};
}
inline SettingRule above(double low, double high) {
  return {.low = low, .high = high, .low_open = true, .choices = {}};
}
constexpr double kLargestSeed = 9007199254740992;  // 2^53, up to which JSON's readers keep whole numbers exactly
inline SettingRule share() {
  return {.low = 0, .high = 1, .high_open = true, .choices = {}};
}
inline SettingRule one_of(std::vector<std::string_view> words) {
  return {.choices = std::move(words)};
}

}  // namespace glint
