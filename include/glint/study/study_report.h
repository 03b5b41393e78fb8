#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "glint/eval/statistics.h"
#include "glint/report/comparison_table.h"
#include "glint/study/cells.h"
#include "glint/study/study.h"

namespace glint {

// What the cells of a study tell, computed from their files. Cells that are missing or failed are named; the rest is
// told all the same.

// Mean and standard deviation (divisor n - 1; none for one) over the seeds of an arm.
struct OverSeeds {
  std::vector<double> values;  // one a seed
  double mean() const;
  std::optional<double> sd() const;
};

// The arms at one value of a sweep, on one data set.
struct ArmTable {
  std::string value;            // "video.num_frames=12"; empty: the base's
  std::string set;              // of evaluate_on; empty: the study's own
  ComparisonReport comparison;  // of the arms with a finished cell, in the study's order; without comparisons
                                // where there is one arm or the baseline has no finished cell
  std::map<std::string, std::map<std::string, OverSeeds>> metrics;  // arm -> "t2v/R@1"
};

// A validation curve: pairs seen, and the metric.
using LearningCurve = std::vector<std::pair<double, double>>;

struct ArmConvergence {
  std::string arm, value;
  std::vector<LearningCurve> curves;  // one a seed, on the grid that all arms share
  // To a share of the own final score ("90 %", "95 %", "99 %") or the common target: pairs seen, steps, and seconds of
  // training without validations; a seed that never reached it is no number.
  struct Reach {
    std::string target;
    std::vector<std::optional<double>> samples, steps, seconds;  // one a seed
  };
  std::vector<Reach> reaches;
  OverSeeds area;       // under the curve, as its mean height over the grid
  OverSeeds data_wait;  // share of the training's time that waited for data
};

struct ArmCost {
  std::string arm, value;
  double step_ms = 0;        // median, without waiting for data; of the cells' own training
  double samples_per_s = 0;  // median, waiting included
  std::int64_t steps = 0;    // of a cell
};

// The share of a loss in the gradient: its norm over the sum of all parts' norms, in the mean over steps and seeds.
struct ArmLossShares {
  std::string arm, value;
  std::vector<std::pair<std::string, double>> shares;  // "nce" first
};

struct StudyReport {
  Study study;
  std::vector<std::pair<Cell, CellStatus>> cells;
  std::vector<ArmTable> tables;  // own set at every value, then the other sets
  double common_target = 0;      // of the convergence; 0: none
  std::vector<ArmConvergence> convergence;
  std::vector<ArmCost> costs;
  std::vector<ArmLossShares> loss_shares;
  std::vector<std::string> answers;  // sentences, the first ones to read
};

StudyReport make_study_report(const Study& study, const ComparisonOptions& options = {});

std::string study_markdown(const StudyReport& report);
std::string study_csv(const StudyReport& report);    // a row a number: what, arm, value, set, seed, number
std::string study_latex(const StudyReport& report);  // the comparisons (booktabs)
std::string study_json(const StudyReport& report);
std::string study_html(const StudyReport& report);

// How much more it takes for a true difference of `difference` to be found in 80 of 100 cases: the variance of the
// estimate must be (difference / 2.80)^2. `variance_of_queries` falls with queries, `variance_of_seeds` with seeds.
struct NeededData {
  std::optional<std::int64_t> queries;  // with these seeds; none: no number of queries is enough
  std::optional<std::int64_t> seeds;    // an arm, with these queries
};
NeededData needed_data(double difference, double variance_of_queries, std::int64_t queries, double variance_of_seeds,
                       std::int64_t seeds);

}  // namespace glint
