#pragma once

#include <string>
#include <vector>

namespace glint {

// The studies that glint ships: heads, convergence, length, losses.
std::vector<std::string> shipped_studies();

// The study file, ready to edit. `config`: the settings file that gives data, towers and training; empty: the demo
// set's, with budgets for two cores. Throws Error for a name that is none of shipped_studies().
std::string shipped_study(const std::string& name, const std::string& config);

}  // namespace glint
