#pragma once

#include <string>
#include <vector>

#include "glint/study/study_report.h"

namespace glint::study {

// What the metrics.jsonl of one training tells.
struct TrainingLog {
  struct Step {
    double step = 0, seconds = 0, waited_s = 0;
    std::vector<std::pair<std::string, double>> loss_norms;  // part -> norm of its gradient
  };
  struct Validation {
    double step = 0, score = 0;
  };
  std::vector<Step> steps;
  std::vector<Validation> validations;
};

// `metric`: of the validations, as "t2v/R@1". Lines that are no JSON are left out: a running training is writing.
TrainingLog read_training_log(const Cell& cell, const std::string& metric);

// The arms' curves on one grid of pairs seen, the coarsest of them, and what they reach.
struct Convergences {
  double common_target = 0;
  std::vector<ArmConvergence> arms;
};
Convergences measure_convergence(const Study& study, const std::vector<Cell>& trained);

std::vector<ArmCost> measure_costs(const Study& study, const std::vector<Cell>& trained);
std::vector<ArmLossShares> measure_loss_shares(const Study& study, const std::vector<Cell>& trained);

}  // namespace glint::study
