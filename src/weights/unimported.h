#pragma once

#include <filesystem>
#include <string>

// What to say where a checkpoint is wanted and something else is named.
namespace glint {

// "; glint downloads nothing: ..." where `path`, which is not there, looks like a model's name at Hugging Face; else
// "".
std::string how_to_fetch(const std::filesystem::path& path);

// Of a folder: "is a Hugging Face folder, ...", or what else it is that glint import would take, and how to import it;
// else "holds no checkpoint".
std::string no_checkpoint_text(const std::filesystem::path& folder);

// Throws Error where `weights` is a file that glint import alone can read, or is not there.
void require_readable_weights(const std::filesystem::path& weights);

}  // namespace glint
