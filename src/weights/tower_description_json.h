#pragma once

#include <nlohmann/json.hpp>

#include "glint/model/towers.h"
#include "glint/text/tokenizer.h"

namespace glint {

// The descriptions that others' loaders build towers from: Hugging Face's config.json and preprocessor_config.json,
// open_clip's open_clip_config.json. Throws Error where theirs cannot be such towers.
nlohmann::ordered_json hugging_face_config(const TowerSizes& sizes, const Tokenizer& tokenizer);
nlohmann::ordered_json hugging_face_preprocessor(const TowerSizes& sizes);
nlohmann::ordered_json open_clip_config(const TowerSizes& sizes);

}  // namespace glint
