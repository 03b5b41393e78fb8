#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "glint/config/config.h"
#include "glint/eval/comparison.h"

namespace glint {

// What results.json says besides the ranks.
struct RunResults {
  std::map<std::string, std::string> words;  // "head", "checkpoint", "selected_on", ...; texts alone
  std::map<std::string, double> numbers;     // "encode_s", "score_s", "clips", "skipped"
  std::map<std::string, std::map<std::string, double>> metrics;  // "t2v", "v2t", and "raw t2v", "raw v2t" where
                                                                 // scores were post-processed: "R@1" -> 78.5
  std::map<std::string, std::map<std::string, double>> of_tag;   // t2v of the captions with a tag
  std::vector<std::pair<std::string, std::string>> skipped;      // clip, cause

  std::string word(const std::string& key) const;  // empty: not said
};

// One column of metrics.jsonl.
struct LogColumn {
  std::vector<double> step, value;
};

struct TrainingLog {
  std::int64_t steps = 0;                     // the last one logged; 0: no training log
  std::map<std::string, LogColumn> training;  // "loss", "lr", "seconds/wait"; of long runs every n-th step
  std::map<std::string, std::map<std::string, LogColumn>> evaluations;  // split -> "t2v/R@1"

  std::vector<std::string> loss_parts() const;  // "nce", "icl": the columns that are no known other thing
};

// A run as its files tell it; nothing else is looked at. What a run folder lacks is empty.
struct RunRecord {
  std::string name;
  std::filesystem::path folder;  // runs/<name>; the evaluation's own folder where it stands alone
  ComparedRun evaluation;
  RunResults results;
  TrainingLog log;
  std::optional<Config> config;
  std::vector<std::pair<std::string, std::string>> bad_files;  // clip, cause
  std::vector<std::string> warnings;                           // lines of log.txt, the first of many
  std::int64_t more_warnings = 0;                              // how many more there are
};

// Reads runs/<name>/ with eval/<split>/, or a folder of an evaluation alone (`run` and `evaluation` are then the same).
// Throws Error, one sentence with the file, for an evaluation that read_compared_run() refuses and for files that are
// not what they should be.
RunRecord read_run_record(const std::string& name, const std::filesystem::path& run,
                          const std::filesystem::path& evaluation);

}  // namespace glint
