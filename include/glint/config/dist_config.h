#pragma once

#include <cstdint>

#include "glint/config/setting_rule.h"

namespace glint {

// dist.*: processes that train together.
struct DistConfig {
  int64_t processes = 1;
  double timeout_s = 300;
  bool reference_gradients = false;
};

template <class Visitor>
void describe(Visitor& v, DistConfig& c) {
  v.field("processes", c.processes, within(1, 1024).without_effect().of_machine().of_training(),
          "that glint train starts on this machine; torchrun, srun: they start them");
  v.field("timeout_s", c.timeout_s, above(0, 1e6).without_effect().of_training(),
          "a process that makes no progress for so long ends the job");
  v.field("reference_gradients", c.reference_gradients, any().of_training(),
          "as released, the towers' are divided by the number of processes (methods 10)");
}

}  // namespace glint
