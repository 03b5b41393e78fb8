#include "glint/core/user_path.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

#include "glint/core/error.h"

namespace glint {
namespace {

// HOME, else what the system knows of the user; empty where neither tells.
std::string home_folder() {
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') return home;
  const auto* user = ::getpwuid(::getuid());
  return user != nullptr && user->pw_dir != nullptr ? user->pw_dir : "";
}

}  // namespace

std::string expand_home(const std::string& path, const std::string& what) {
  if (!path.starts_with('~')) return path;
  if (path.size() > 1 && path[1] != '/') {
    throw Error(what, ": '", path,
                "' begins with ~ and a name, which glint does not expand; write the folder out, or ./", path,
                " for a file of that name");
  }
  const auto home = home_folder();
  if (home.empty()) throw Error(what, ": '", path, "' begins with ~, and HOME is not set; write the folder out");
  return home + path.substr(1);
}

}  // namespace glint
