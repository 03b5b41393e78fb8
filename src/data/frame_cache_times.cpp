#include "data/frame_cache_times.h"

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <tuple>

#include "data/frame_cache_pack.h"
#include "data/frame_cache_source.h"
#include "data/second_try.h"
#include "glint/core/activity.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/file_lock.h"
#include "glint/core/log.h"
#include "glint/core/progress.h"
#include "glint/core/stop_signal.h"
#include "glint/core/thread_pool.h"

namespace glint::cache {

namespace fs = std::filesystem;

namespace {

struct ByContent {
  static auto key(const Source& source) { return std::tie(source.path, source.bytes, source.hash); }
  bool operator()(const Source& a, const Source& b) const { return key(a) < key(b); }
};
using Sources = std::set<Source, ByContent>;

[[noreturn]] void refuse_changed(const fs::path& folder, const Source& source) {
  throw Error(source.path, ": has changed since ", folder.string(),
              " was made of it; run glint data cache again, which makes such clips anew");
}

// What it says of every one of `sources`, in their order, several at once.
template <class Ask>
auto ask_all(const Sources& sources, std::int64_t workers, const Ask& ask) {
  using Answer = decltype(ask(*sources.begin()));
  ThreadPool pool(static_cast<int>(workers));
  std::vector<std::future<Answer>> futures;
  for (const auto& source : sources) futures.push_back(pool.submit([&source, &ask] { return ask(source); }));
  std::vector<Answer> answers;
  try {
    for (auto& future : futures) answers.push_back(future.get());
  } catch (...) {
    pool.cancel_pending();
    throw;
  }
  return answers;
}

// Those whose time of writing is another than the index says. Throws where the size is.
Sources touched_sources(const fs::path& folder, const std::vector<Record>& records, std::int64_t workers) {
  Sources all;
  std::map<std::string, std::set<std::int64_t>> times;  // of a path, as its records have them
  for (const auto& record : records) {
    all.insert(record.source);
    times[record.source.path].insert(record.source.time_ns);
  }
  const auto look = [](const Source& source) -> std::optional<FileFacts> {
    if (stop_requested() != 0) throw Stopped(stop_requested());
    try {
      return facts_of(source.path);
    } catch (const Error&) {  // another user's: as good as gone
      return std::nullopt;
    }
  };
  const auto facts = ask_all(all, workers, look);
  Sources touched;
  std::size_t i = 0;
  for (const auto& source : all) {
    const auto& found = facts[i++];
    if (!found) continue;
    if (found->bytes != source.bytes) refuse_changed(folder, source);
    const auto& known = times.at(source.path);
    if (known.size() > 1 || *known.begin() != found->time_ns) touched.insert(source);
  }
  return touched;
}

// The right to read the videos' content for this cache, once no other process has it. None where the folder takes no
// file.
std::unique_ptr<FileLock> wait_for_turn(const fs::path& folder) {
  std::unique_ptr<FileLock> turn;
  try {
    turn = std::make_unique<FileLock>(folder / ".compare.lock");
  } catch (const Error&) {
    return nullptr;
  }
  const Activity activity("waits for another process that compares the videos with " + folder.string());
  while (!turn->try_lock()) {
    if (stop_requested() != 0) throw Stopped(stop_requested());
    count_progress();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return turn;
}

void announce(const fs::path& folder, const Sources& touched) {
  std::uint64_t bytes = 0;
  for (const auto& source : touched) bytes += source.bytes;
  log_warning(folder.string(), ": ", touched.size(), touched.size() == 1 ? " video has" : " videos have",
              " another time of writing than when the cache was made, ", touched.begin()->path,
              " for one; their content is compared, ", (bytes + 999'999) / 1'000'000,
              " MB (cp -p, rsync -t and tar keep the times)");
}

// Each with the time of what was read.
std::vector<Source> read_content(const fs::path& folder, const Sources& touched, std::int64_t workers) {
  SourceBook book;
  Progress progress("compare the videos", std::ssize(touched), "files");
  std::mutex mutex;
  std::int64_t done = 0;
  const auto compared = [&](Source source) {
    if (stop_requested() != 0) throw Stopped(stop_requested());
    const auto state = with_second_try(source.path, [&] { return book.compare(source); });
    if (state == SourceState::kChanged) refuse_changed(folder, source);
    const std::lock_guard lock(mutex);
    progress.update(++done);
    return source;
  };
  return ask_all(touched, workers, compared);
}

// -> why the index could not take the times; empty where it did
std::string keep_times(const fs::path& folder, std::uint64_t settings, const std::vector<Source>& compared) try {
  FileLock lock(folder / ".lock");
  if (!lock.try_lock()) return "glint data cache works in it";
  const Sources known(compared.begin(), compared.end());
  auto records = read_index(folder, settings);  // as it is now
  for (auto& record : records) {
    if (const auto found = known.find(record.source); found != known.end()) record.source.time_ns = found->time_ns;
  }
  write_file(index_path(folder), index_bytes(settings, records));
  return "";
} catch (const std::runtime_error& failure) {
  return failure.what();
}

}  // namespace

void check_sources(const fs::path& folder, std::uint64_t settings, const std::vector<Record>& records,
                   std::int64_t workers) {
  auto touched = touched_sources(folder, records, workers);
  if (touched.empty()) return;
  const auto turn = wait_for_turn(folder);
  if (turn) touched = touched_sources(folder, read_index(folder, settings), workers);  // another may have done it
  if (touched.empty()) return;
  announce(folder, touched);
  const auto compared = read_content(folder, touched, workers);
  const auto fault = keep_times(folder, settings, compared);
  if (!fault.empty())
    log_warning(folder.string(), ": the new times cannot be kept (", fault, "), so the next start compares again");
}

}  // namespace glint::cache
