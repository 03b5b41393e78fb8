#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/evaluate_checkpoint.h"
#include "glint/config/eval_config.h"

namespace glint::app {

// Evaluations without a model.

// Another model's vectors of texts and videos: a text's score for a video is their cosine.
Report evaluate_vectors(const std::filesystem::path& texts, const std::filesystem::path& videos,
                        const std::filesystem::path& truth, const EvalConfig& config,
                        const std::filesystem::path& scores);

// A matrix of scores: glint's own (glint eval --scores), or another model's with `truth`.
Report evaluate_scores(const std::filesystem::path& file, const std::filesystem::path& truth, const EvalConfig& config);

}  // namespace glint::app
