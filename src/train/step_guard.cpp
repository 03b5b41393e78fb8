#include "train/step_guard.h"

#include <cmath>

#include "glint/core/error.h"
#include "glint/core/log.h"
#include "train/short_number.h"

namespace glint {
namespace {

constexpr std::size_t kClipsNamed = 5;

std::string some_of(const std::set<std::string>& names) {
  std::string text;
  std::size_t named = 0;
  for (const auto& name : names) {
    if (named == kClipsNamed) return concat(text, " and ", names.size() - named, " more");
    text += (named++ == 0 ? "" : ", ") + name;
  }
  return text;
}

}  // namespace

// A loss is no larger for its scale: where it is no number, or where the scale is at its lowest, the fault is the
// step's.
StepVerdict StepGuard::judge(double loss, double gradient_norm, bool loss_scale_can_shrink) {
  const bool has_loss = std::isfinite(loss);
  if (has_loss && std::isfinite(gradient_norm)) {
    bad_in_row_ = 0;
    return StepVerdict::kSound;
  }
  if (has_loss && loss_scale_can_shrink) return StepVerdict::kOverflowed;
  ++bad_in_row_;
  return StepVerdict::kBad;
}

void StepGuard::leave_out(const BadStep& step, int64_t saved_step) const {
  const auto what = concat("step ", step.step, ": the loss is ", short_number(step.loss), " and its gradient's norm ",
                           short_number(step.gradient_norm), ", with the clips ", some_of(step.clips));
  if (bad_in_row_ < most_in_row_) {
    log_warning(what, "; the step is left out");
    return;
  }
  const auto saved = saved_step < 0 ? std::string("no checkpoint was saved before")
                                    : concat("the checkpoint of step ", saved_step, " stays as it is");
  throw Error(what, ": the training has diverged (", bad_in_row_, " such steps in a row, train.bad_steps); ", saved,
              "; start again in another run.dir with a lower optim.lr or optim.clip_lr");
}

}  // namespace glint
