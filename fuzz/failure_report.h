#pragma once

#include <string>

#include "fuzz/mutator.h"

namespace glint::fuzz {

// From now on a crash, an uncaught exception, a finding of the sanitizers or an input that computes longer than
// `limit_s` writes the input at hand to `path` and its name to stderr, before the process ends as it would have.
void report_failures(const std::string& path, unsigned limit_s);

// The input at hand: call it before each run, which gives the run its own `limit_s`; `input` must outlive the run.
void at_hand(const std::string& name, const Input& input);

// The processor's time that the run has from now on, seconds; 0: no limit.
void limit_time(unsigned seconds);

// Writes the input at hand as above and ends the process, for what only the driver sees.
[[noreturn]] void fail(const std::string& why);

}  // namespace glint::fuzz
