#pragma once

#include <filesystem>
#include <new>

#include "glint/core/error.h"

namespace glint {

// Sleeps a moment, in which the machine may recover. Throws Stopped where a signal comes meanwhile.
void pause_before_second_try();

// Is nothing there any more? Throws as files::exists() where that cannot be told.
bool is_gone(const std::filesystem::path& file);

[[noreturn]] void throw_gone(const std::filesystem::path& file);

// What `work` gives, which reads `file`. Where the machine could not do it (NotNow, no memory) or the file is suddenly
// not there, it is done once more a moment later. What fails then too is passed on; a file that is still not there is
// an Error and never a BadFile, for it was there when the work began.
template <class Work>
auto with_second_try(const std::filesystem::path& file, const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const NotNow&) {
  } catch (const std::bad_alloc&) {
  } catch (const Error&) {
    if (!is_gone(file)) throw;
  }
  pause_before_second_try();
  try {
    return work();
  } catch (const NotNow& failure) {
    throw NotNow(failure.what(), " (tried twice)");
  } catch (const Error&) {
    if (is_gone(file)) throw_gone(file);
    throw;
  }
}

}  // namespace glint
