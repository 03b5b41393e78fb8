#pragma once

#include <chrono>

namespace glint {

// The steady clock without the time in which this process was stopped (SIGSTOP, Ctrl-Z, a batch system that suspends
// jobs, a laptop that sleeps): what rates and time limits count. Any thread. Stops shorter than about a second count.
std::chrono::steady_clock::time_point running_now();

}  // namespace glint
