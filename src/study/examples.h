#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "glint/report/comparison_table.h"

namespace glint::study {

// A text query whose rank differs between an arm and the baseline. Ranks from 1, in the mean over the arm's seeds.
struct QueryExample {
  std::string caption, video;
  double base_rank = 0, arm_rank = 0;
};

struct ChangedQueries {
  std::int64_t better = 0, worse = 0, same = 0;       // of all text queries, by the arm's mean rank
  std::vector<QueryExample> arm_better, base_better;  // the largest changes by the ratio of ranks, at most ten each
};

ChangedQueries changed_queries(const ComparisonReport& comparison, const std::string& arm);

}  // namespace glint::study
