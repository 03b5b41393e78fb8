#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "glint/config/optim_config.h"
#include "glint/model/retrieval_model.h"
#include "glint/optim/optimizer.h"
#include "support/golden.h"

// Cases of kind `glscl_train`: what two ways of making their steps share.
namespace glint::test {

std::unique_ptr<RetrievalModel> trained_model(const GoldenCase& golden);
OptimConfig trained_optim_config(const GoldenCase& golden);
NamedParameters named_parameters(const RetrievalModel& model);

// Of a step, by their names in the case: total, L_nce, L_IDL, L_ICL, grad_norm (before the clip), logit_scale (after).
using StepNumbers = std::map<std::string, double>;
std::string part_name(const std::string& ours);  // "nce", "idl", "icl" -> theirs

// How much wider than the case's the tolerances are.
struct StepSlack {
  double numbers = 1;  // of per_step
  double weights = 1;  // of the tensors after the last step, and of their norms
};

// Makes all steps of the case and compares their numbers, their rates, the groups and the weights after the last.
// `step`: makes one with batch `batch` of the inputs at the schedule's factor; changes `model`.
CaseReport follow_steps(const GoldenCase& golden, const RetrievalModel& model,
                        const std::vector<ParameterGroup>& groups,
                        const std::function<StepNumbers(int64_t batch, double lr_factor)>& step,
                        const StepSlack& slack = {});

}  // namespace glint::test
