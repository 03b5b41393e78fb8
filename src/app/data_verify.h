#pragma once

#include <CLI/CLI.hpp>

namespace glint::app {

// `glint data verify`: every file of a data set, or of a folder, opened and decoded.
void add_data_verify(CLI::App& data);

}  // namespace glint::app
