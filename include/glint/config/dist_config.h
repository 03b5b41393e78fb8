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
          "processes that glint train starts on this machine; under torchrun and srun those start them");
  v.field("timeout_s", c.timeout_s, above(0, 1e6).without_effect().of_training(),
          "end the job when a process makes no progress for this many seconds");
  v.field("reference_gradients", c.reference_gradients, any().of_training(),
          "divide the towers' gradients by the number of processes, as the released code does (methods 10)");
}

}  // namespace glint
