#pragma once

#include <cstdint>
#include <set>
#include <string>

namespace glint {

enum class StepVerdict {
  kSound,
  kBad,         // its loss or gradient is no number, which would ruin the weights
  kOverflowed,  // the loss scale was too large for float16, which is no fault: the next step's is smaller
};

// A step that is left out, as people are told of it.
struct BadStep {
  int64_t step;  // counted from 1
  double loss;
  double gradient_norm;
  std::set<std::string> clips;
};

// Keeps the weights from steps that would ruin them, and a run from going on with weights that are ruined: many bad
// steps in a row say so.
class StepGuard {
 public:
  explicit StepGuard(int64_t most_in_row) : most_in_row_(most_in_row) {}  // train.bad_steps

  // What becomes of the next step. Loss and norm are the same on all processes, and so is the verdict.
  StepVerdict judge(double loss, double gradient_norm, bool loss_scale_can_shrink);

  // To be told of every bad step after its verdict: warns of it, or throws Error where there were too many in a row.
  // `saved_step`: of the newest checkpoint; -1: none.
  void leave_out(const BadStep& step, int64_t saved_step) const;

  // Not so after a bad step: they may have been ruined before it, and must not take the place of older ones.
  bool trusts_weights() const { return bad_in_row_ == 0; }

 private:
  int64_t most_in_row_;
  int64_t bad_in_row_ = 0;
};

}  // namespace glint
