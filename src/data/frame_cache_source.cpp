#include "data/frame_cache_source.h"

#include <sys/stat.h>

#include <bit>
#include <cerrno>
#include <exception>

#include "glint/core/activity.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/hash.h"

namespace glint::cache {

namespace {

std::uint64_t hash_of(const std::string& path) {
  return std::stoull(xxhash64_of_file(path), nullptr, 16);
}

Source read_source(const std::string& path) {
  const Activity activity("reads " + std::filesystem::path(path).filename().string());
  const auto facts = facts_of(path);
  if (!facts) throw Error(path, ": the file is not there, or no regular file");
  return {path, facts->bytes, hash_of(path), facts->time_ns};
}

// The times exactly, so that no two windows share a name.
std::string window(std::optional<double> start_s, std::optional<double> end_s) {
  const auto text = [](std::optional<double> time_s) {
    return time_s ? std::to_string(std::bit_cast<std::uint64_t>(*time_s)) : std::string();
  };
  return concat('\n', text(start_s), '\n', text(end_s));
}

}  // namespace

std::string source_path(const std::filesystem::path& file) {
  return files::absolute(file).lexically_normal().string();
}

std::optional<FileFacts> facts_of(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw_errno(concat(path, ": cannot be looked at"), errno);
  }
  if (!S_ISREG(about.st_mode)) return std::nullopt;
  return FileFacts{static_cast<std::uint64_t>(about.st_size),
                   std::int64_t{about.st_mtim.tv_sec} * 1'000'000'000 + about.st_mtim.tv_nsec};
}

Source SourceBook::read(const std::string& path) {
  std::promise<Source> promise;
  std::shared_future<Source> known;
  {
    const std::lock_guard lock(mutex_);
    const auto [place, is_new] = sources_.try_emplace(path);
    if (is_new) place->second = promise.get_future().share();
    if (!is_new) known = place->second;
  }
  if (known.valid()) return known.get();
  try {
    Source source = read_source(path);
    promise.set_value(source);
    return source;
  } catch (...) {
    promise.set_exception(std::current_exception());  // for those who wait
    const std::lock_guard lock(mutex_);
    sources_.erase(path);
    throw;
  }
}

SourceState SourceBook::compare(Source& source, bool thorough) {
  const auto facts = facts_of(source.path);
  if (!facts) return SourceState::kGone;
  if (facts->bytes != source.bytes) return SourceState::kChanged;
  if (facts->time_ns == source.time_ns && !thorough) return SourceState::kSame;
  const auto now = read(source.path);
  if (now.bytes != source.bytes || now.hash != source.hash) return SourceState::kChanged;
  source.time_ns = now.time_ns;
  return SourceState::kSame;
}

std::string name_by_path(const std::string& path, std::optional<double> start_s, std::optional<double> end_s) {
  return path + window(start_s, end_s);
}

std::string name_by_content(const Source& source, std::optional<double> start_s, std::optional<double> end_s) {
  return concat(source.bytes, '\n', source.hash, window(start_s, end_s));
}

}  // namespace glint::cache
