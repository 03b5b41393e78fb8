#include "glint/core/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "glint/core/error.h"

namespace glint::files {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const fs::path& path, const char* what, const std::error_code& problem) {
  throw_errno(concat(path.string(), ": ", what), problem.value());
}

void require(const fs::path& path, const char* what, const std::error_code& problem) {
  if (problem) fail(path, what, problem);
}

fs::file_status looked_at(const fs::path& path) {
  std::error_code problem;
  const auto found = fs::status(path, problem);
  if (found.type() == fs::file_type::not_found) return found;
  require(path, "cannot be looked at", problem);
  return found;
}

template <class Iterator>
std::vector<Entry> entries(const fs::path& folder) {
  constexpr const char* kWhat = "the folder cannot be listed";
  std::error_code problem;
  std::vector<Entry> found;
  Iterator entry(folder, problem);
  require(folder, kWhat, problem);
  while (entry != Iterator()) {
    std::error_code nowhere;  // is where a link points
    const bool is_folder = entry->is_directory(nowhere);
    if (nowhere && is_not_now(nowhere.value())) fail(entry->path(), "cannot be looked at", nowhere);
    found.push_back({entry->path(), is_folder});
    entry.increment(problem);
    require(folder, kWhat, problem);
  }
  std::sort(found.begin(), found.end(), [](const Entry& a, const Entry& b) { return a.path < b.path; });
  return found;
}

}  // namespace

bool exists(const fs::path& path) {
  return fs::exists(looked_at(path));
}

bool is_file(const fs::path& path) {
  return fs::is_regular_file(looked_at(path));
}

bool is_folder(const fs::path& path) {
  return fs::is_directory(looked_at(path));
}

bool is_link(const fs::path& path) {
  std::error_code problem;
  const auto found = fs::symlink_status(path, problem);
  if (found.type() == fs::file_type::not_found) return false;
  require(path, "cannot be looked at", problem);
  return fs::is_symlink(found);
}

bool is_empty_folder(const fs::path& path) {
  if (!is_folder(path)) return false;
  std::error_code problem;
  const bool is_empty = fs::is_empty(path, problem);
  require(path, "the folder cannot be listed", problem);
  return is_empty;
}

std::uintmax_t size(const fs::path& path) {
  std::error_code problem;
  const auto bytes = fs::file_size(path, problem);
  require(path, "cannot be looked at", problem);
  return bytes;
}

std::uintmax_t free_bytes(const fs::path& path) {
  std::error_code problem;
  const auto space = fs::space(path, problem);
  require(path, "the free space cannot be told", problem);
  return space.available;
}

fs::file_time_type changed(const fs::path& path) {
  std::error_code problem;
  const auto time = fs::last_write_time(path, problem);
  require(path, "cannot be looked at", problem);
  return time;
}

std::vector<Entry> list(const fs::path& folder) {
  return entries<fs::directory_iterator>(folder);
}

std::vector<Entry> list_below(const fs::path& folder) {
  return entries<fs::recursive_directory_iterator>(folder);
}

void for_each_block(const fs::path& file, const std::function<void(std::string_view)>& use) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw_errno(file.string(), errno);
  const std::unique_ptr<const int, void (*)(const int*)> owner(&descriptor, [](const int* open) { ::close(*open); });
  std::vector<char> block(std::size_t{1} << 20);
  while (true) {
    const auto got = ::read(descriptor, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EISDIR) throw Error(file.string(), ": is a folder, a file is needed");
    if (got < 0) throw_errno(concat(file.string(), ": cannot be read"), errno);
    if (got == 0) return;
    use({block.data(), static_cast<std::size_t>(got)});
  }
}

void make_folders(const fs::path& folder) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  require(folder, "the folder cannot be made", problem);
}

bool remove(const fs::path& path) {
  std::error_code problem;
  const bool was_there = fs::remove(path, problem);
  require(path, "cannot be removed", problem);
  return was_there;
}

void remove_all(const fs::path& path) {
  std::error_code problem;
  fs::remove_all(path, problem);
  require(path, "cannot be removed", problem);
}

void rename(const fs::path& from, const fs::path& to) {
  std::error_code problem;
  fs::rename(from, to, problem);
  require(to, "cannot be put in place", problem);
}

void copy(const fs::path& from, const fs::path& to) {
  std::error_code problem;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, problem);
  require(to, "the file cannot be written", problem);
}

void link(const fs::path& target, const fs::path& name) {
  std::error_code problem;
  fs::create_symlink(target, name, problem);
  require(name, "the link cannot be made", problem);
}

fs::path target_of(const fs::path& link) {
  std::error_code problem;
  auto target = fs::read_symlink(link, problem);
  require(link, "the link cannot be read", problem);
  return target;
}

fs::path canonical(const fs::path& path) {
  std::error_code problem;
  auto found = fs::canonical(path, problem);
  require(path, "cannot be looked at", problem);
  return found;
}

fs::path absolute(const fs::path& path) {
  std::error_code problem;
  auto found = fs::absolute(path, problem);
  require(path, "the working folder cannot be told", problem);
  return found;
}

fs::path temporary_folder() {
  std::error_code problem;
  auto folder = fs::temp_directory_path(problem);
  if (problem) throw Error("TMPDIR: ", problem.message(), "; set it to a folder for temporary files");
  return folder;
}

}  // namespace glint::files
