#pragma once

#include "glint/config/eval_config.h"
#include "glint/eval/postprocess.h"

namespace glint {

// eval.postprocess with its parameters. Error for a method that there is not.
Postprocess postprocess_of(const EvalConfig& config);

}  // namespace glint
