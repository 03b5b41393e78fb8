#pragma once

#include <string>

#include "glint/model/head.h"
#include "support/golden.h"

namespace glint::test {

// GLCCL's four scores apart, of prepared features: S_vs, S_vw, S_sf, S_fw [A, B], on cosine scale.
TensorMap glccl_four_scores(const RetrievalHead& head, const std::string& aggregation, const TextFeatures& text,
                            const VideoFeatures& video);

}  // namespace glint::test
