#pragma once

#include <string>
#include <vector>

#include "e2e/program.h"

namespace glint::test {

// An environment in which system calls fail as `faults` say ("FAULT_ON=read", ...; injected_faults.cpp).
ProgramOptions with_faults(std::vector<std::string> faults);

}  // namespace glint::test
