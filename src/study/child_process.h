#pragma once

#include <functional>
#include <string>
#include <vector>

namespace glint::study {

// How a program ended that run_program() started.
struct ProgramEnd {
  int code = 0;       // exit code, or 128 + the signal that killed it
  std::string error;  // the last line it said that begins with "error: ", without that; may be empty
};

// Runs a program to its end, with what it says on stderr passed on line by line; its stdout is dropped. It is killed
// where this process is. A signal that asks this process to stop is passed on, once, and the program waited for.
ProgramEnd run_program(const std::vector<std::string>& command, const std::function<void(const std::string&)>& on_line);

}  // namespace glint::study
