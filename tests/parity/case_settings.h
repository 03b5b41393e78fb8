#pragma once

#include <memory>

#include "glint/config/glscl_config.h"
#include "glint/config/optim_config.h"
#include "glint/model/head.h"
#include "glint/model/retrieval_model.h"
#include "support/golden.h"

// What the `config` of several kinds of cases says in the same words, as our settings.
namespace glint::test {

FeatureShape feature_shape_of(const GoldenCase& golden);  // D, L, T

GlsclConfig glscl_config(const GoldenCase& golden);

OptimConfig bertadam_config(const GoldenCase& golden);  // without the global clip

// The whole model of the case with its weights and the frozen patch embedding, dropout off; `head` may differ from
// glscl_config.
std::unique_ptr<RetrievalModel> glscl_model(const GoldenCase& golden, const GlsclConfig& head);

}  // namespace glint::test
