#pragma once

#include <string>
#include <vector>

#include "glint/study/study_report.h"

namespace glint::study {

// A table of a report, for every form it is written in. The first column is text, and the others where they are said to
// be; else they are numbers.
struct ReportTable {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> notes;  // sentences below
  bool is_all_text = false;
};

// One a data set and value of a sweep.
std::vector<ReportTable> accuracy_tables(const StudyReport& report);
// The study's metric by arm and value of a sweep, and by arm and data set; none where there is one.
std::vector<ReportTable> overview_tables(const StudyReport& report);
std::vector<ReportTable> convergence_tables(const StudyReport& report);
std::vector<ReportTable> cost_tables(const StudyReport& report);
std::vector<ReportTable> loss_tables(const StudyReport& report);
// Cells that are not done, settings of the arms, and how to repeat it.
std::vector<ReportTable> cell_tables(const StudyReport& report);

// "12 of 18 cells are done, 1 failed, ..."
std::string state_sentence(const StudyReport& report);

}  // namespace glint::study
