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
  bool is_of_machine = false;  // each machine of one training may have its own
  bool is_path = false;        // a file or folder: a leading ~ is the home folder

  bool allows(double value) const {
    return (low_open ? value > low : value >= low) && (high_open ? value < high : value <= high);
  }
  // "> 0", ">= 0", "[0, 1)"; empty where any number will do.
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
inline SettingRule share() {
  return {.low = 0, .high = 1, .high_open = true, .choices = {}};
}
inline SettingRule one_of(std::vector<std::string_view> words) {
  return {.choices = std::move(words)};
}

}  // namespace glint
