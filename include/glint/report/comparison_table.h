#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "glint/eval/comparison.h"
#include "glint/report/html.h"

namespace glint {

// Everything that `glint compare` has to tell.
struct ComparisonReport {
  std::vector<ComparedArm> arms;
  std::size_t baseline = 0;
  ComparisonOptions options;
  std::vector<ArmComparison> comparisons;  // of every arm but the baseline, in the order of `arms`

  const ComparedArm& base() const { return arms[baseline]; }
};

std::string comparison_json(const ComparisonReport& report);
// For a terminal: unlike settings above the table; power, seeds, draws and the signature below.
std::string comparison_text(const ComparisonReport& report);
std::string comparison_markdown(const ComparisonReport& report);  // the same words around a table
std::string comparison_latex(const ComparisonReport& report);     // the same as comments around a tabular (booktabs)
html::Markup comparison_html(const ComparisonReport& report);     // a table, its power lines and notes below
std::string comparison_csv(const ComparisonReport& report);       // full precision, a row a metric and arm

}  // namespace glint
