#pragma once

#include <vector>

#include "glint/report/run_report.h"

namespace glint::app {

// Why the pairs of run number `index` score as they do, into `media`: its evaluated checkpoint encodes their texts and
// videos once, and its head explains each pair. Kept beside the evaluation, in explanations.json, for the next report.
// A pair whose video cannot be read has none; where the checkpoint is gone or is another by now, a warning says so.
void add_explanations(const RunRecord& run, std::size_t index, const std::vector<ShownPair>& pairs, ReportMedia& media);

}  // namespace glint::app
