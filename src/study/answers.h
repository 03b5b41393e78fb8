#pragma once

#include <string>
#include <vector>

#include "glint/study/study_report.h"

namespace glint::study {

// The sentences that a report opens with: for every arm against the baseline, in the study's metric, difference,
// interval and p, or that the data cannot tell and how many queries or seeds could.
std::vector<std::string> answers(const StudyReport& report);

std::string fixed(double value, int digits);
std::string signed_text(double value, int digits);
std::string p_value_text(double p);

}  // namespace glint::study
