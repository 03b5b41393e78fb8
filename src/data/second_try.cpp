#include "data/second_try.h"

#include <chrono>
#include <thread>

#include "glint/core/files.h"
#include "glint/core/stop_signal.h"

namespace glint {

void pause_before_second_try() {
  constexpr std::chrono::milliseconds kPause(1000), kLook(20);  // how long; how often signals are looked for
  for (std::chrono::milliseconds slept(0); slept < kPause; slept += kLook) {
    if (stop_requested() != 0) throw Stopped(stop_requested());
    std::this_thread::sleep_for(kLook);
  }
}

bool is_gone(const std::filesystem::path& file) {
  return !files::exists(file);
}

void throw_gone(const std::filesystem::path& file) {
  throw Error(file.string(),
              ": was there when the work began and is not there now; bring it back and give the same command again");
}

}  // namespace glint
