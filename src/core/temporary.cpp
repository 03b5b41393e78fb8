#include "glint/core/temporary.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/hash.h"
#include "glint/core/machine_name.h"

namespace glint {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMark = ".tmp-";
constexpr std::size_t kMachineDigits = 8, kRandomDigits = 16;
constexpr std::size_t kSuffixBytes = kMark.size() + kMachineDigits + 1 + kRandomDigits;
constexpr std::size_t kLongestName = 255;  // bytes, of Linux's file systems
constexpr std::time_t kOldSeconds = 24 * 60 * 60;

const std::string& machine_digits() {
  static const std::string digits = [] {
    const auto name = machine_name();
    char text[kRandomDigits + 1];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(xxhash64(name.data(), name.size())));
    return std::string(text, kMachineDigits);
  }();
  return digits;
}

std::string random_digits() {
  std::random_device device;
  char text[kRandomDigits + 1];
  std::snprintf(text, sizeof text, "%08x%08x", device(), device());
  return text;
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

fs::path temporary_path(const fs::path& final_path) {
  auto name = final_path.filename().string().substr(0, kLongestName - kSuffixBytes);
  name += concat(kMark, machine_digits(), "-", random_digits());
  return folder_of(final_path) / name;
}

bool is_temporary(std::string_view name) {
  if (name.size() < kSuffixBytes) return false;
  const auto suffix = name.substr(name.size() - kSuffixBytes);
  const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f'); };
  const auto machine = suffix.substr(kMark.size(), kMachineDigits),
             random = suffix.substr(kSuffixBytes - kRandomDigits);
  return suffix.starts_with(kMark) && suffix[kMark.size() + kMachineDigits] == '-' &&
         std::all_of(machine.begin(), machine.end(), is_digit) && std::all_of(random.begin(), random.end(), is_digit);
}

bool is_of_this_machine(std::string_view name) {
  return name.substr(name.size() - kSuffixBytes + kMark.size(), kMachineDigits) == machine_digits();
}

bool lock(int descriptor) {
  return ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;  // no locks there: the names still differ
}

// Does the descriptor's file or folder still stand under a name? A sweeper may have met it before it was locked.
bool is_there(int descriptor) {
  struct stat facts {};
  return ::fstat(descriptor, &facts) == 0 && facts.st_nlink > 0;
}

void sweep(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return;
  struct stat facts {};
  const bool is_known = ::fstat(descriptor, &facts) == 0 && (S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode));
  // Another machine's locks may not be seen here, and where there are no locks age alone can tell.
  const bool is_old = is_known && std::time(nullptr) - facts.st_mtime > kOldSeconds;
  const bool is_locked_by_us = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
  const bool is_held = !is_locked_by_us && errno == EWOULDBLOCK;
  const bool is_left =
      is_known && !is_held && (is_old || (is_locked_by_us && is_of_this_machine(path.filename().string())));
  if (is_left) {
    try {
      files::remove_all(path);
    } catch (const std::exception&) {  // another's, or a folder that takes no changes: it stays
    }
  }
  ::close(descriptor);
}

// Names alone: to look at each entry would take long in a large folder.
std::vector<fs::path> temporaries_in(const fs::path& folder) {
  std::vector<fs::path> found;
  DIR* entries = ::opendir(folder.c_str());
  if (entries == nullptr) return found;
  while (const auto* entry = ::readdir(entries)) {
    if (is_temporary(entry->d_name)) found.push_back(folder / entry->d_name);
  }
  ::closedir(entries);
  return found;
}

constexpr int kTries = 100;

}  // namespace

void sweep_temporaries(const fs::path& folder) {
  static std::mutex mutex;
  static auto* swept = new std::set<fs::path>;  // never destroyed: checkpoints are written until the process ends
  static pid_t process = 0;                     // that has swept them
  {
    const std::lock_guard guard(mutex);
    if (std::exchange(process, getpid()) != getpid()) swept->clear();
    if (!swept->insert(files::absolute(folder).lexically_normal()).second) return;
  }
  for (const auto& path : temporaries_in(folder)) sweep(path);
}

TemporaryFile open_temporary_file(const fs::path& final_path) {
  sweep_temporaries(folder_of(final_path));
  for (int i = 0; i < kTries; ++i) {
    const auto path = temporary_path(final_path);
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (descriptor < 0 && errno == EEXIST) continue;
    if (descriptor < 0) throw_errno(concat(final_path.string(), ": the file cannot be created"), errno);
    if (lock(descriptor) && is_there(descriptor)) return {path, descriptor};
    ::close(descriptor);
    ::unlink(path.c_str());
  }
  throw NotNow(final_path.string(), ": the file cannot be created: others remove it at every try");
}

TemporaryFolder::TemporaryFolder(const fs::path& final_path) {
  sweep_temporaries(folder_of(final_path));
  for (int i = 0; i < kTries; ++i) {
    path_ = temporary_path(final_path);
    if (::mkdir(path_.c_str(), 0777) != 0) {
      if (errno == EEXIST) continue;
      throw_errno(concat(final_path.string(), ": the folder cannot be made"), errno);
    }
    descriptor_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor_ >= 0 && lock(descriptor_) && is_there(descriptor_)) return;
    const int cause = errno;
    if (descriptor_ < 0) {
      ::rmdir(path_.c_str());
      throw_errno(concat(final_path.string(), ": the folder cannot be made"), cause);
    }
    ::close(descriptor_);
    ::rmdir(path_.c_str());
  }
  throw NotNow(final_path.string(), ": the folder cannot be made: others remove it at every try");
}

TemporaryFolder::~TemporaryFolder() {
  try {
    files::remove_all(path_);        // nothing is there where it was renamed
  } catch (const std::exception&) {  // what failed is already on its way up
  }
  ::close(descriptor_);
}

}  // namespace glint
