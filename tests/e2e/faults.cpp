#include "e2e/faults.h"

#include <utility>

namespace glint::test {

ProgramOptions with_faults(std::vector<std::string> faults) {
  faults.push_back("LD_PRELOAD=" GLINT_INJECTED_FAULTS);
  faults.push_back("ASAN_OPTIONS=verify_asan_link_order=0");  // sanitizers mind that a library comes before theirs
  return {.environment = std::move(faults)};
}

}  // namespace glint::test
