#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace glint {

// Settings as words "section.key=value", in the order of the file.
using SettingWords = std::vector<std::string>;

// One way of training that a study compares with the others.
struct StudyArm {
  std::string name;  // letters, digits, '_', '-' and '.'; once a study
  std::filesystem::path base;
  SettingWords settings;
  std::vector<std::int64_t> seeds;
  int line = 0;  // of the file
};

// Values of one setting, each tried with every arm and seed.
struct StudySweep {
  std::string key;  // "video.num_frames"
  std::vector<std::string> values;
};

// Another data set on which every trained model is evaluated.
struct StudyTransfer {
  std::string name;              // of the settings file: "activitynet"
  std::filesystem::path config;  // its data.* are taken
};

enum class StudyMeasure { kAccuracy, kConvergence, kCost };

// Several trainings under equal conditions, as a file (docs/studies.md) says. The first arm is the baseline.
struct Study {
  std::filesystem::path file;
  std::string name;
  std::string question;  // in words; may be empty
  SettingWords settings;
  std::vector<StudyArm> arms;
  std::vector<StudySweep> sweeps;
  std::vector<StudyTransfer> evaluate_on;
  std::set<StudyMeasure> measure = {StudyMeasure::kAccuracy};
  std::string metric = "t2v/R@1";  // that the report's answer is about

  std::filesystem::path folder() const { return std::filesystem::path("runs") / name; }
  const StudyArm& baseline() const { return arms.front(); }
};

// Throws Error ("FILE (line N): ...") for keys that are not known, names given twice, and what is missing or empty.
// Settings are not looked at: cells_of() does that.
Study read_study(const std::filesystem::path& file);

}  // namespace glint
