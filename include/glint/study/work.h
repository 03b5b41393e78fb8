#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "glint/study/study.h"

namespace glint {

struct WorkOptions {
  std::filesystem::path program;  // glint
  std::string only;               // cells of this arm alone; empty: all
  bool retries = false;           // also those that failed before
};

struct WorkOutcome {
  std::int64_t done = 0;                                    // by this call
  std::int64_t running_elsewhere = 0;                       // when nothing free was left
  std::vector<std::pair<std::string, std::string>> failed;  // cell_text() and its sentence, of all calls
};

// Takes free cells one after the other until none is left: `glint train` in its folder, then `glint eval` on the
// study's other data sets, as processes that end with this one. As many calls as one likes may work on one study, on
// any machine of its file system. Throws Stopped where a signal asks for it, once the cell has saved.
WorkOutcome work_on(const Study& study, const WorkOptions& options);

}  // namespace glint
