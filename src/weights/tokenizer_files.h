#pragma once

#include <filesystem>
#include <vector>

#include "glint/config/text_config.h"
#include "glint/model/towers.h"
#include "glint/text/tokenizer.h"

namespace glint {

// The one file that a tokenizer is made of: "tokenizer.model", or CLIP's vocabulary under its own name.
const char* tokenizer_file_name(const Tokenizer& tokenizer);

// Writes it into `folder`. `config` says where CLIP's vocabulary lies.
std::filesystem::path write_tokenizer_file(const Tokenizer& tokenizer, const TextConfig& config,
                                           const std::filesystem::path& folder);

// Writes the files from which transformers makes the same tokenizer: CLIPTokenizer, SiglipTokenizer. Of a model trained
// here, which it has no class for, the model alone. -> what was written
std::vector<std::filesystem::path> write_hugging_face_tokenizer(const Tokenizer& tokenizer, const TextConfig& config,
                                                                const TowerSizes& sizes,
                                                                const std::filesystem::path& folder);

}  // namespace glint
