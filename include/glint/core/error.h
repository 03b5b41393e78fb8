#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace glint {

// The parts, written one after the other as `<<` writes them.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

// Something the user can mend. The message is one sentence that names the file, line, key or value, says what is wrong
// and, where it is not plain, what to do. main() prints it and exits with 1.
class Error : public std::runtime_error {
 public:
  template <class... Parts>
  explicit Error(const Parts&... parts) : std::runtime_error(concat(parts...)) {}
};

// Something we must mend. main() prints it and exits with 2.
class Bug : public std::logic_error {
 public:
  template <class... Parts>
  explicit Bug(const Parts&... parts) : std::logic_error(concat(parts...)) {}
};

}  // namespace glint

// Throws Bug with the place and the parts of a message where `condition` does not hold.
#define GLINT_CHECK(condition, ...)                                                                     \
  do {                                                                                                  \
    if (!(condition)) throw ::glint::Bug(__FILE__, ":", __LINE__, ": ", #condition, ": ", __VA_ARGS__); \
  } while (false)
