#pragma once

#include <filesystem>

#include "glint/config/config.h"

namespace glint {

// Where the run folder holds a checkpoint already, throws Error naming the settings that differ from that run's and may
// not on its way (OnResume::kSame). Without a checkpoint nothing is lost by starting anew.
void check_run_settings(const std::filesystem::path& run_dir, const Config& config);

}  // namespace glint
