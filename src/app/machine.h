#pragma once

#include <string>
#include <vector>

namespace glint::app {

// One thing that glint wants of the machine it runs on.
struct Finding {
  std::string name;
  bool ok = false;
  std::string found;   // what is there: "16 GiB, 9.3 GiB free"
  std::string advice;  // what to do where it is missing
};

// Looks the machine over, in the order in which a reader wants to know it. Throws nothing for what is missing.
std::vector<Finding> examine_machine();

}  // namespace glint::app
