#pragma once

#include <string>

#include "glint/eval/metrics.h"

namespace glint {

// The metric of a validation that train.select names; "RSum" is the sum of both directions' sums of recalls.
double selected_metric(const RetrievalMetrics& t2v, const RetrievalMetrics& v2t, const std::string& select);

// Is `score` better than `best`, which is below 0 where there is none yet? Of ranks the smaller is.
bool is_better(double score, double best, const std::string& select);

}  // namespace glint
