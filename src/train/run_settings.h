#pragma once

#include <filesystem>

#include "glint/config/config.h"

namespace glint {

// Writes `config` into a run folder. Where that holds a checkpoint already, throws Error naming the settings that
// differ from that run's and would change its numbers; what cannot (worker counts, paths, when to save or stop, eval.*)
// may differ. Without a checkpoint nothing is lost by starting anew.
void claim_run_folder(const std::filesystem::path& run_dir, const Config& config);

}  // namespace glint
