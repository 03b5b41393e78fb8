#pragma once

#include <CLI/CLI.hpp>

namespace glint::app {

// Makes every option of every command understand a leading ~, as settings do: shells expand it in front of a word
// alone, not in --out=~/x, and nobody else does. No value that is not a path begins with ~.
void expand_paths(CLI::App& app);

}  // namespace glint::app
