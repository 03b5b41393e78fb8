#pragma once

#include <string>
#include <vector>

#include "head/bench.h"

namespace glint::bench {

// The words that repeat this run. `head` empty: of all heads.
std::string bench_command_line(const HeadBenchOptions& options, const std::string& head);

// An array of objects, one a measurement, each with its sizes and the command that repeats it.
std::string reports_json(const std::vector<HeadReport>& reports, const HeadBenchOptions& options);

// Tables for people, heads in rows, with the command below them.
std::string reports_table(const std::vector<HeadReport>& reports, const HeadBenchOptions& options,
                          const std::string& head);

}  // namespace glint::bench
