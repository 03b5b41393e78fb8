#include "app/result_places.h"

#include <exception>

#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/log.h"
#include "glint/core/temporary.h"

namespace glint::app {

void require_place(const std::filesystem::path& file, const std::string& advice) try {
  require_writable(file);
} catch (const NotNow& problem) {
  throw NotNow(problem.what(), advice);
} catch (const Error& problem) {
  throw Error(problem.what(), advice);
}

bool has_place(const std::filesystem::path& file, const std::string& consequence) try {
  require_writable(file);
  return true;
} catch (const NotNow& problem) {
  log_warning(problem.what(), consequence);
  return false;
} catch (const Error& problem) {
  log_warning(problem.what(), consequence);
  return false;
}

void require_new_folder_place(const std::filesystem::path& given) {
  const auto folder = given.has_filename() ? given : given.parent_path();  // "out/"
  require_new_or_empty(folder);
  if (folder.has_parent_path()) files::make_folders(folder.parent_path());
  const TemporaryFolder probe(folder);  // leaves nothing
}

void write_and_print(const std::function<void()>& write, const std::function<void()>& print) {
  std::exception_ptr failure;
  try {
    write();
  } catch (const std::exception&) {
    failure = std::current_exception();
  }
  print();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace glint::app
