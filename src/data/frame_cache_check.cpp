#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "data/frame_cache_pack.h"
#include "data/frame_cache_settings.h"
#include "data/frame_cache_source.h"
#include "data/second_try.h"
#include "glint/core/error.h"
#include "glint/core/files.h"
#include "glint/core/progress.h"
#include "glint/core/stop_signal.h"
#include "glint/core/thread_pool.h"
#include "glint/data/frame_cache.h"

namespace glint {

using namespace cache;

namespace fs = std::filesystem;

namespace {

using Packs = std::map<std::uint64_t, PackFile>;

// Opens the packs that `records` name; what is damaged is told of and left out.
Packs open_packs(const fs::path& folder, const std::vector<Record>& records, std::uint64_t settings,
                 std::vector<std::string>& damaged) {
  std::set<std::uint64_t> numbers;
  for (const auto& record : records) numbers.insert(record.pack);
  Packs packs;
  for (const auto number : numbers) {
    const auto path = pack_path(folder, number);
    if (!files::exists(path)) {
      damaged.push_back(concat(path.string(), ": is not there, but index.glint names clips in it"));
      continue;
    }
    try {
      packs.try_emplace(number, folder, number, settings);
    } catch (const BadFile& error) {
      damaged.emplace_back(error.what());
    }
  }
  return packs;
}

// What is wrong with a clip's pictures; empty where nothing is, or where its whole pack was told of.
std::string fault(const fs::path& folder, const Packs& packs, const Record& record) {
  if (stop_requested() != 0) throw Stopped(stop_requested());
  const auto found = packs.find(record.pack);
  if (found == packs.end()) return {};
  const auto path = pack_path(folder, record.pack).string();
  if (!found->second.reaches(record))
    return concat(path, ": is cut short: the clip of ", record.source.path, " ends after it");
  thread_local std::vector<std::uint8_t> bytes;
  if (found->second.read(record, bytes)) return {};
  return concat(path, ": the clip of ", record.source.path, " does not match its checksum");
}

// Where one fails, those that have not begun are dropped.
std::string answer(std::future<std::string>& question, ThreadPool& pool) {
  try {
    return question.get();
  } catch (...) {
    pool.cancel_pending();
    throw;
  }
}

using Place = std::tuple<std::uint64_t, std::uint64_t>;  // pack, offset

Place place_of(const Record& record) {
  return {record.pack, record.payload_offset};
}

struct Checker {
  const fs::path folder;
  const std::vector<Record> records;
  const Packs packs;
  std::int64_t workers;
  std::set<Place> broken = {};  // where clips stand that are damaged
  SourceBook book = {};

  void read_packs(CacheCheck& check) {
    ThreadPool pool(static_cast<int>(workers));
    Progress progress("check the cache", static_cast<std::int64_t>(records.size()), "clips");
    std::vector<std::future<std::string>> faults;
    for (const auto& record : records) {
      faults.push_back(pool.submit([this, &record] { return fault(folder, packs, record); }));
    }
    std::set<Place> told;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const auto text = answer(faults[i], pool);
      const auto place = place_of(records[i]);
      if (packs.count(records[i].pack) == 0 || !text.empty()) broken.insert(place);
      if (!text.empty() && told.insert(place).second) check.damaged.push_back(text);
      progress.update(static_cast<std::int64_t>(i) + 1);
    }
  }

  // Whether each of `clips` stands in the cache as its file is now.
  void compare_sources(const std::vector<const Clip*>& clips, CacheCheck& check) {
    std::unordered_map<std::string, const Record*> by_path, by_content;
    for (const auto& record : records) {
      by_path[name_by_path(record)] = &record;
      by_content[name_by_content(record)] = &record;
    }
    ThreadPool pool(static_cast<int>(workers));
    std::vector<std::future<std::string>> causes;
    for (const Clip* clip : clips) {
      causes.push_back(pool.submit([&, clip] { return missing(*clip, by_path, by_content); }));
    }
    Progress progress("check the videos", static_cast<std::int64_t>(clips.size()), "clips");
    for (std::size_t i = 0; i < clips.size(); ++i) {
      const auto cause = answer(causes[i], pool);
      if (cause.empty()) ++check.sound;
      if (!cause.empty()) check.missing.push_back({clips[i]->id, cause});
      progress.update(static_cast<std::int64_t>(i) + 1);
    }
  }

  using Index = std::unordered_map<std::string, const Record*>;
  // Why the cache does not give this clip; empty where it does.
  std::string missing(const Clip& clip, const Index& by_path, const Index& by_content) {
    if (stop_requested() != 0) throw Stopped(stop_requested());
    const auto known = by_path.find(name_by_path(clip));
    const Record* record = known == by_path.end() ? nullptr : known->second;
    if (record != nullptr) {
      auto source = record->source;
      const auto state = with_second_try(clip.file, [&] { return book.compare(source, /*thorough=*/true); });
      if (state == SourceState::kChanged) return concat(clip.file.string(), ": has changed since it was cached");
      if (state == SourceState::kGone) return concat(clip.file.string(), ": is not there any more");
    } else {
      if (!files::is_file(clip.file)) return concat(clip.file.string(), ": is not there");
      const auto source = with_second_try(clip.file, [&] { return book.read(source_path(clip.file)); });
      const auto twin = by_content.find(name_by_content(source, clip.start_s, clip.end_s));
      if (twin == by_content.end()) return "is not in the cache";
      record = twin->second;
    }
    return broken.count(place_of(*record)) != 0 ? "is damaged in the cache" : "";
  }
};

std::int64_t bytes_of_packs(const fs::path& folder) {
  std::uintmax_t bytes = 0;
  for (const auto& entry : files::list(folder)) {
    if (entry.path.filename().string().starts_with("pack_") && files::is_file(entry.path))
      bytes += files::size(entry.path);
  }
  return static_cast<std::int64_t>(bytes);
}

std::int64_t bytes_used(const std::vector<Record>& records) {
  std::map<Place, std::uint64_t> places;
  for (const auto& record : records) places[place_of(record)] = record.payload_bytes;
  std::uint64_t bytes = 0;
  for (const auto& [place, size] : places) bytes += size;
  return static_cast<std::int64_t>(bytes);
}

}  // namespace

CacheCheck check_frame_cache(const std::vector<Clip>& clips, const DataConfig& data, const VideoConfig& video) {
  const fs::path folder = data.cache;
  const auto settings = read_settings(folder, data, video);
  if (!files::exists(index_path(folder)))
    throw Error(index_path(folder).string(),
                ": is not there: the cache was never finished; run glint data cache again");
  auto records = read_index(folder, settings.hash);
  CacheCheck check;
  auto packs = open_packs(folder, records, settings.hash, check.damaged);
  Checker checker{folder, std::move(records), std::move(packs), data.workers};
  std::unordered_set<std::string> names;
  std::vector<const Clip*> wanted;
  for (const auto& clip : clips) {
    if (names.insert(name_by_path(clip)).second) wanted.push_back(&clip);
  }
  check.clips = static_cast<std::int64_t>(wanted.size());
  checker.read_packs(check);
  checker.compare_sources(wanted, check);
  check.bytes = bytes_of_packs(folder);
  check.unused_bytes = std::max<std::int64_t>(0, check.bytes - bytes_used(checker.records));
  return check;
}

}  // namespace glint
