#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "glint/report/run_report.h"

namespace glint::app {

// Four frames of each of `videos` (ids of the run's gallery) and the lengths of its clips, into `media`. Both are read
// from the videos of the run's data set once and kept beside the evaluation, in eval/<split>/strips: a later report
// needs no video, nor time. What cannot be read is left out; where all of it is, media.no_strips says why.
void add_strips(const RunRecord& run, const std::vector<std::string>& videos, ReportMedia& media);

}  // namespace glint::app
