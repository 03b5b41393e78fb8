#include "media/time_budget.h"

#include "glint/core/error.h"

namespace glint::media {

void TimeBudget::check() const {
  if (stop_requested() != 0) throw Stopped(stop_requested());
  if (is_over())
    throw Error(path_, ": reading took longer than ", seconds_, " s; is the file damaged or the disk stuck?");
}

int TimeBudget::interrupt(void* budget) {
  return static_cast<const TimeBudget*>(budget)->is_over() ? 1 : 0;
}

}  // namespace glint::media
