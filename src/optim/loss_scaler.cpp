#include "glint/optim/loss_scaler.h"

#include <algorithm>

namespace glint {

void LossScaler::update(bool is_finite) {
  if (!is_finite) {
    state_ = {std::max(kLowest, state_.scale / 2), 0};
  } else if (++state_.good_steps == kGrowAfter) {
    state_ = {state_.scale * 2, 0};
  }
}

}  // namespace glint
