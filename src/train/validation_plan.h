#pragma once

#include <cmath>
#include <cstdint>

namespace glint {

// After which steps a run validates.
struct ValidationPlan {
  double every = 0;  // steps from one validation to the next, >= 1; a step that is not whole counts as the next one
  int64_t last = 0;  // step after which there is one in any case: the end of the last epoch

  // Is one due after `step`, where the newest was after `validated` (0: there was none)?
  bool is_due(int64_t step, int64_t validated) const {
    return count(step) > count(validated) || (step >= last && validated < last);
  }

 private:
  int64_t count(int64_t step) const {
    constexpr double kRounding = 1e-9;  // of steps that a fraction of an epoch gives exactly on paper
    return static_cast<int64_t>(std::floor(static_cast<double>(step) / every + kRounding));
  }
};

}  // namespace glint
