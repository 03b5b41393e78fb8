#pragma once

#include <string>

namespace glint {

// A path as people write it, "~" or "~/..." as the shell would have understood it: a shell leaves the ~ of
// run.dir=~/runs and of a YAML file alone. Any other path comes back as it is. `what`: the setting or option, for the
// message. Error for ~NAME (another user's folder, or a file of that name: ./~NAME), and where no home is known.
std::string expand_home(const std::string& path, const std::string& what);

}  // namespace glint
