#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "glint/eval/rank_file.h"
#include "glint/eval/signature.h"
#include "glint/eval/statistics.h"

namespace glint {

// One evaluation of one training.
struct ComparedRun {
  std::filesystem::path folder;  // eval/<split>/
  EvaluationSignature signature;
  EvaluationRanks ranks;
};

// Reads results.json and the files of the ranks. Throws Error where the signature is not that of the files.
ComparedRun read_compared_run(const std::filesystem::path& folder);

// One system: its trainings with different seeds, evaluated alike.
struct ComparedArm {
  std::string name;
  std::vector<ComparedRun> runs;
};

enum class Correction { kNone, kHolm, kBenjaminiHochberg };

struct ComparisonOptions {
  std::vector<std::string> metrics;  // "t2v/R@1", as known below; empty: default_comparison_metrics()
  Correction correction = Correction::kHolm;
  Resampling resampling;
};

// One metric of an arm against the baseline. R@k, RSum in points of percent, MnR in ranks from 1, MRR, nDCG@10 and MAP
// as fractions; difference = arm - baseline.
struct MetricComparison {
  std::string metric;
  double baseline = 0, arm = 0;  // means over the runs
  double difference = 0;
  double low = 0, high = 0;  // 95 % interval of the difference
  double p = 1;              // two-sided
  double adjusted_p = 1;     // over the arms of this metric, by the correction
  std::string test;          // "McNemar", "sign flips", "sign flips (100000 draws)", "two-level bootstrap"
  std::optional<double> baseline_sd, arm_sd;  // over seeds, where there are several
  // R@k of one run each where a unit is a query: right in one of the two only.
  std::optional<std::int64_t> baseline_only, arm_only;
  std::int64_t units = 0;  // queries, or videos with all their captions
  std::int64_t queries = 0;
  std::optional<double> smallest_significant;  // |difference|; by McNemar's counts, else 1.96 sd of the bootstrap
  std::optional<double> found_in_80;           // true difference found in 80 of 100 cases; else 2.80 sd
};

struct ArmComparison {
  std::string arm;
  // Intervals and p-values speak of other trainings too: both arms have at least 3 runs. Else of these weights alone.
  bool is_seed_noise_known = false;
  std::vector<MetricComparison> metrics;
};

// Metrics: "t2v/" or "v2t/" and R@<k>, RSum, MnR, MRR, nDCG@10 or MAP. These are compared unless others are asked for;
// nDCG@10 is left out where several right answers need a column that the files do not have.
std::vector<std::string> default_comparison_metrics(const std::vector<ComparedArm>& arms);

// Every arm but the baseline (an index into `arms`) against it, queries matched by their ids. Throws Error, a sentence
// that names the folder and the field, where evaluations are not of the same queries, or runs of one arm not evaluated
// alike, and for unknown metrics.
std::vector<ArmComparison> compare_arms(const std::vector<ComparedArm>& arms, std::size_t baseline,
                                        const ComparisonOptions& options);

}  // namespace glint
