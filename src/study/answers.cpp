#include "study/answers.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

#include "glint/core/error.h"

namespace glint::study {
namespace {

constexpr double kSignificant = 0.05;
constexpr double kSdsSignificant = 1.959964;

bool less_is_better(const std::string& metric) {
  return metric.ends_with("MnR") || metric.ends_with("MdR");
}
bool is_in_points_of_percent(const std::string& metric) {
  return metric.find("R@") != std::string::npos || metric.find("RSum") != std::string::npos;
}
int digits_for(const std::string& metric) {
  return is_in_points_of_percent(metric) ? 1 : metric.ends_with("MnR") ? 2 : 4;
}
std::string unit_for(const std::string& metric) {
  return is_in_points_of_percent(metric) ? " points" : metric.ends_with("MnR") ? " ranks" : "";
}

// "on activitynet, at video.num_frames=12, ".
std::string place_of(const ArmTable& table) {
  std::string place;
  if (!table.set.empty()) place += "on " + table.set + ", ";
  if (!table.value.empty()) place += "at " + table.value + ", ";
  return place;
}

std::string needed_text(const MetricComparison& m, std::int64_t base_seeds, std::int64_t arm_seeds) {
  if (!m.smallest_significant || std::abs(m.difference) < 1e-12) return "";
  const double sd = *m.smallest_significant / kSdsSignificant;
  const auto seeds = std::min(base_seeds, arm_seeds);
  double of_seeds = 0;
  if (m.baseline_sd && m.arm_sd && seeds >= 3) {
    of_seeds = *m.baseline_sd * *m.baseline_sd / static_cast<double>(base_seeds) +
               *m.arm_sd * *m.arm_sd / static_cast<double>(arm_seeds);
  }
  // The bootstrap shows (s - 1)/s of the seeds' variance.
  const double shown =
      of_seeds * static_cast<double>(seeds - 1) / static_cast<double>(std::max<std::int64_t>(1, seeds));
  const double of_queries = std::max(0.0, sd * sd - shown);
  const auto needed = needed_data(m.difference, of_queries, m.units, of_seeds, seeds);
  std::string text;
  if (needed.queries && *needed.queries > m.units)
    text += concat("about ", *needed.queries, " queries with these seeds");
  if (needed.seeds && of_seeds > 0 && *needed.seeds > seeds)
    text += concat(text.empty() ? "" : ", or ", "about ", *needed.seeds, " seeds an arm with these queries");
  if (text.empty()) return "; neither more queries nor more seeds alone would find a true difference of this size";
  return "; if this is the true difference, " + text + " would find it in 80 of 100 cases";
}

std::string comparison_answer(const ArmTable& table, const ArmComparison& arm, const MetricComparison& m) {
  const auto& base = table.comparison.base();
  const int digits = digits_for(m.metric);
  const auto unit = unit_for(m.metric);
  const bool is_significant = m.adjusted_p <= kSignificant;
  const double gain = less_is_better(m.metric) ? -m.difference : m.difference;
  const auto runs_of = [&](const std::string& name) {
    for (const auto& other : table.comparison.arms) {
      if (other.name == name) return std::ssize(other.runs);
    }
    return std::ptrdiff_t{0};
  };
  const auto numbers =
      concat(signed_text(m.difference, digits), unit, ", 95 % interval ", signed_text(m.low, digits), " to ",
             signed_text(m.high, digits), ", p ", p_value_text(m.p),
             table.comparison.comparisons.size() > 1 ? ", adjusted " + p_value_text(m.adjusted_p) : std::string());
  std::string text = place_of(table);
  if (is_significant) {
    text += concat(arm.arm, " is ", gain > 0 ? "better" : "worse", " than ", base.name, " in ", m.metric, " (", numbers,
                   ")");
  } else {
    text += concat("the data cannot tell ", arm.arm, " from ", base.name, " in ", m.metric, " (", numbers, ")");
    text += needed_text(m, std::ssize(base.runs), runs_of(arm.arm));
  }
  if (!arm.is_seed_noise_known) text += "; seed noise is unknown with fewer than three seeds an arm";
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text + ".";
}

// Who learns faster: the mean height of the validation curve, seeds against seeds.
std::vector<std::string> convergence_answers(const StudyReport& report) {
  std::vector<std::string> sentences;
  for (const auto& base : report.convergence) {
    if (base.arm != report.study.baseline().name) continue;
    std::vector<const ArmConvergence*> arms;
    std::vector<std::optional<WelchTest>> tests;
    std::vector<double> p;
    for (const auto& arm : report.convergence) {
      if (arm.arm == base.arm || arm.value != base.value) continue;
      arms.push_back(&arm);
      tests.push_back(welch_test(base.area.values, arm.area.values));
      if (tests.back()) p.push_back(tests.back()->p);
    }
    const auto adjusted = holm(p);
    std::size_t next = 0;
    for (std::size_t i = 0; i < arms.size(); ++i) {
      std::string text = base.value.empty() ? "" : "At " + base.value + ", ";
      const double difference = arms[i]->area.mean() - base.area.mean();
      if (!tests[i]) {
        sentences.push_back(concat(text, arms[i]->arm, " against ", base.arm,
                                   ": the mean height of the curve differs by ", signed_text(difference, 1),
                                   ", and fewer than two seeds an arm give no interval."));
        continue;
      }
      const auto adjusted_p = adjusted[next++];
      const auto numbers =
          concat("mean height of the validation curve of ", report.study.metric, " ", signed_text(difference, 1),
                 ", 95 % interval ", signed_text(tests[i]->low, 1), " to ", signed_text(tests[i]->high, 1), ", p ",
                 p_value_text(tests[i]->p), ", adjusted ", p_value_text(adjusted_p), ", Welch's test over ",
                 base.area.values.size(), " and ", arms[i]->area.values.size(), " seeds");
      text += adjusted_p <= kSignificant ? concat(arms[i]->arm, " learns ", difference > 0 ? "faster" : "more slowly",
                                                  " than ", base.arm, " (", numbers, ").")
                                         : concat("these seeds cannot tell whether ", arms[i]->arm, " or ", base.arm,
                                                  " learns faster (", numbers, ").");
      text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
      sentences.push_back(text);
    }
  }
  return sentences;
}

}  // namespace

std::string fixed(double value, int digits) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(digits) << value;
  return out.str();
}

std::string signed_text(double value, int digits) {
  const auto text = fixed(value, digits);
  if (text.find_first_not_of("-0.") == std::string::npos) return fixed(0, digits);
  return text[0] == '-' ? text : "+" + text;
}

std::string p_value_text(double p) {
  return p < 0.0001 ? "< 0.0001" : fixed(p, p < 0.01 ? 4 : 2);
}

std::vector<std::string> answers(const StudyReport& report) {
  std::vector<std::string> sentences;
  if (report.study.measure.contains(StudyMeasure::kConvergence)) sentences = convergence_answers(report);
  for (const auto& table : report.tables) {
    for (const auto& arm : table.comparison.comparisons) {
      for (const auto& metric : arm.metrics) {
        if (metric.metric == report.study.metric) sentences.push_back(comparison_answer(table, arm, metric));
      }
    }
  }
  if (!sentences.empty()) return sentences;
  const auto done = std::count_if(report.cells.begin(), report.cells.end(),
                                  [](const auto& cell) { return cell.second.state == CellState::kDone; });
  return {concat("There is no answer yet: ", done, " of ", report.cells.size(),
                 " cells are done, and a comparison takes ", report.study.baseline().name, " and another arm.")};
}

}  // namespace glint::study
