#pragma once

#include <CLI/CLI.hpp>

namespace glint::app {

// Adds `glint data cache` to `glint data`.
void add_data_cache(CLI::App& data);

}  // namespace glint::app
