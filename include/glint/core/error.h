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

// Note [failures]: work fails in four ways, told apart where the operating system or a library speaks.
//   BadFile  the file itself is bad: recorded once with its cause, and the policy on such files applies
//   NotNow   the machine cannot do it at the moment: no verdict on a file. It is tried again where that may help, and
//            then ends the work. A gallery never gets smaller and a training set never another one for such a cause.
//   Error    the user's mistake
//   Bug      ours
// main() prints the message and exits with 1, or with 2 for a Bug.

// Something the user can mend. The message is one sentence that names the file, line, key or value, says what is wrong
// and, where it is not plain, what to do.
class Error : public std::runtime_error {
 public:
  template <class... Parts>
  explicit Error(const Parts&... parts) : std::runtime_error(concat(parts...)) {}
};

// What a file holds is not what it should hold, at every try and on every machine.
class BadFile : public Error {
 public:
  using Error::Error;
};

// Time, memory, threads, processes, descriptors or a storage that does not answer. No Error: what catches errors of
// files lets it pass.
class NotNow : public std::runtime_error {
 public:
  template <class... Parts>
  explicit NotNow(const Parts&... parts) : std::runtime_error(concat(parts...)) {}
};

// Something we must mend.
class Bug : public std::logic_error {
 public:
  template <class... Parts>
  explicit Bug(const Parts&... parts) : std::logic_error(concat(parts...)) {}
};

// Whether an errno value says that the machine cannot do it now (EIO, ESTALE, ENOMEM, EMFILE, EAGAIN, ...).
bool is_not_now(int code);

// Throws NotNow or Error, by `code`, an errno value: "a/b.json: the file cannot be read: No such file or directory".
[[noreturn]] void throw_errno(const std::string& what, int code);

}  // namespace glint

// Throws Bug with the place and the parts of a message where `condition` does not hold.
#define GLINT_CHECK(condition, ...)                                                                     \
  do {                                                                                                  \
    if (!(condition)) throw ::glint::Bug(__FILE__, ":", __LINE__, ": ", #condition, ": ", __VA_ARGS__); \
  } while (false)
