#include "glint/core/machine_name.h"

#include <unistd.h>

#include <array>
#include <climits>

namespace glint {

std::string machine_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};  // ends with 0 also where the name is cut
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

}  // namespace glint
