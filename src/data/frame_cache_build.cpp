#include <chrono>
#include <cstring>
#include <deque>
#include <optional>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "data/clip_decoder.h"
#include "data/frame_cache_codec.h"
#include "data/frame_cache_settings.h"
#include "data/frame_cache_source.h"
#include "data/frame_cache_writer.h"
#include "data/frame_maker.h"
#include "data/second_try.h"
#include "glint/core/atomic_file.h"
#include "glint/core/error.h"
#include "glint/core/file_lock.h"
#include "glint/core/files.h"
#include "glint/core/log.h"
#include "glint/core/progress.h"
#include "glint/core/stop_signal.h"
#include "glint/core/thread_pool.h"
#include "glint/data/frame_cache.h"

namespace glint {

using namespace cache;

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kMaxClipBytes = std::uint64_t{2} << 30;  // one is in memory for each worker

enum class Outcome { kKept, kMade, kBad };

struct ClipOutcome {
  Outcome outcome = Outcome::kKept;
  std::string error = {};
};

// The pictures of one clip as a pack keeps them.
class Payload {
 public:
  Payload(const Settings& settings, std::int64_t num_frames)
      : settings_(settings), bytes_(aligned(static_cast<std::uint64_t>(num_frames) * sizeof(PictureHeader))) {}

  void reserve(std::size_t bytes) { bytes_.reserve(first_ + bytes); }
  void add(const Image& picture) {
    const std::size_t begin = bytes_.size();
    encode_picture(settings_.codec, settings_.quality, picture, bytes_);
    note(picture.width, picture.height, begin);
  }
  // A frame as the towers take it: made by `make` in place where nothing is to be compressed.
  template <class Make>
  void add_frame(std::int64_t side, const Make& make) {
    const std::size_t begin = bytes_.size(), size = static_cast<std::size_t>(3 * side * side);
    bytes_.resize(begin + size);
    make(bytes_.data() + begin);
    if (settings_.codec != Codec::kRaw) {
      planes_to_picture(bytes_.data() + begin, static_cast<int>(side), picture_);
      bytes_.resize(begin);
      encode_picture(settings_.codec, settings_.quality, picture_, bytes_);
    }
    note(static_cast<int>(side), static_cast<int>(side), begin);
  }
  std::uint32_t pictures() const { return static_cast<std::uint32_t>(headers_.size()); }

  // With its headers in front; a clip of fewer pictures than it might have has fewer.
  const std::vector<std::uint8_t>& finish() {
    const auto reserved = first_, needed = aligned(headers_.size() * sizeof(PictureHeader));
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(reserved - needed));
    std::memcpy(bytes_.data(), headers_.data(), headers_.size() * sizeof(PictureHeader));
    return bytes_;
  }

 private:
  void note(int width, int height, std::size_t begin) {
    headers_.push_back({static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height), bytes_.size() - begin});
    if (bytes_.size() > kMaxClipBytes)
      throw BadFile("its pictures take more than ", kMaxClipBytes >> 30, " GiB; it is decoded whenever it is needed");
  }

  const Settings& settings_;
  std::vector<std::uint8_t> bytes_;
  const std::size_t first_ = bytes_.size();
  std::vector<PictureHeader> headers_ = {};
  Image picture_ = {};
};

class CacheBuilder {
 public:
  CacheBuilder(const DataConfig& data, const VideoConfig& video, const Settings& settings)
      : video_(video), settings_(settings), writer_(data.cache, settings.hash), makers_(video) {
    for (const auto& record : writer_.records()) {
      by_path_.emplace(name_by_path(record), record);
      by_content_.emplace(name_by_content(record), record);
    }
  }

  // Of clips that nobody asks for now: what changed would have the whole cache refused.
  void forget_changed(const std::unordered_set<std::string>& asked_for, std::int64_t workers);
  ClipOutcome make(const Clip& clip);  // any thread
  CacheWriter& writer() { return writer_; }

 private:
  std::optional<Record> fill(const Clip& clip, Payload& payload);
  void decode(const Clip& clip, Payload& payload);

  const VideoConfig video_;
  const Settings settings_;
  CacheWriter writer_;
  FrameMakerPool makers_;
  SourceBook book_;
  std::unordered_map<std::string, Record> by_path_;  // as they stood at the start
  std::unordered_map<std::string, Record> by_content_;
};

void CacheBuilder::forget_changed(const std::unordered_set<std::string>& asked_for, std::int64_t workers) {
  std::vector<Record> others;
  for (const auto& [name, record] : by_path_) {
    if (asked_for.count(name) == 0) others.push_back(record);
  }
  ThreadPool pool(static_cast<int>(workers));
  std::vector<std::future<void>> looks;
  for (auto& record : others) {
    looks.push_back(pool.submit([this, &record] {
      if (stop_requested() != 0) throw Stopped(stop_requested());
      try {
        const auto state = book_.compare(record.source);
        if (state == SourceState::kChanged) writer_.remove(record);
        if (state == SourceState::kSame) writer_.put(record);
      } catch (const Error&) {  // another user's, which we may not look at
      }
    }));
  }
  Progress progress("look at the other videos", std::ssize(others), "clips");
  std::int64_t done = 0;
  try {
    for (auto& look : looks) {
      look.get();
      progress.update(++done);
    }
  } catch (...) {
    pool.cancel_pending();
    throw;
  }
}

ClipOutcome CacheBuilder::make(const Clip& clip) {
  std::optional<Record> record;
  std::optional<Payload> payload;
  if (is_gone(clip.file)) return {Outcome::kBad, concat(clip.file.string(), ": is not there")};
  try {
    with_second_try(clip.file, [&] { record = fill(clip, payload.emplace(settings_, video_.num_frames)); });
  } catch (const BadFile& error) {  // the others are cached all the same
    return {Outcome::kBad, error.what()};
  }
  if (!record) return {};
  record->pictures = payload->pictures();
  writer_.add(std::move(*record), payload->finish());
  return {Outcome::kMade};
}

// The clip's pictures into `payload`, and what else is to be known of it. None where it stands in the cache already.
std::optional<Record> CacheBuilder::fill(const Clip& clip, Payload& payload) {
  if (const auto known = by_path_.find(name_by_path(clip)); known != by_path_.end()) {
    Record record = known->second;
    const auto state = book_.compare(record.source);
    if (state == SourceState::kSame) writer_.put(record);
    if (state == SourceState::kSame) return std::nullopt;
    if (state == SourceState::kChanged) writer_.remove(record);
  }
  Record record;
  record.source = book_.read(source_path(clip.file));
  const auto twin = by_content_.find(name_by_content(record.source, clip.start_s, clip.end_s));
  if (twin != by_content_.end()) {  // the same file under another name: its pictures stand there once
    auto same = twin->second;
    same.source = record.source;
    writer_.put(same);
    return std::nullopt;
  }
  record.start_s = clip.start_s;
  record.end_s = clip.end_s;
  decode(clip, payload);
  return record;
}

void CacheBuilder::decode(const Clip& clip, Payload& payload) {
  if (settings_.keeps_pictures) {
    decode_clip(clip, video_, [&](std::size_t, const Image& picture) { payload.add(picture); });
    return;
  }
  payload.reserve(static_cast<std::size_t>(3 * video_.image_size * video_.image_size * video_.num_frames));
  FrameMaker maker = makers_.take();
  maker.begin_clip(std::nullopt);
  decode_clip(clip, video_, [&](std::size_t, const Image& picture) {
    payload.add_frame(video_.image_size, [&](std::uint8_t* out) { maker.make(picture, out); });
  });
  makers_.give_back(std::move(maker));
}

// Clips of the same file and window are one.
std::vector<const Clip*> different(const std::vector<Clip>& clips, std::unordered_set<std::string>& names) {
  std::vector<const Clip*> result;
  for (const auto& clip : clips) {
    if (names.insert(name_by_path(clip)).second) result.push_back(&clip);
  }
  return result;
}

// With the folder's lock held.
void claim_folder(const fs::path& folder, const DataConfig& data, const VideoConfig& video) {
  if (files::exists(folder / "settings.json")) return;
  if (files::exists(index_path(folder)) || files::exists(pack_path(folder, 0))) {
    throw Error(folder.string(),
                ": holds files of a frame cache without its settings.json; name another folder, or "
                "delete this one");
  }
  write_file(folder / "settings.json", settings_text(data, video));
}

std::int64_t cached_bytes(const std::vector<Record>& records) {
  std::unordered_map<std::string, std::uint64_t> places;  // files of one content share theirs
  for (const auto& record : records) places[concat(record.pack, ' ', record.payload_offset)] = record.payload_bytes;
  std::uint64_t bytes = 0;
  for (const auto& [place, size] : places) bytes += size;
  return static_cast<std::int64_t>(bytes);
}

// Runs the builder over `clips` with a few of them in flight for each worker.
void make_all(CacheBuilder& builder, const std::vector<const Clip*>& clips, std::int64_t workers, CacheBuild& build) {
  ThreadPool pool(static_cast<int>(workers));
  std::deque<std::future<ClipOutcome>> pending;
  std::size_t submitted = 0;
  Progress progress("cache", static_cast<std::int64_t>(clips.size()), "clips");
  try {
    for (std::size_t i = 0; i < clips.size(); ++i) {
      while (submitted < clips.size() && pending.size() < static_cast<std::size_t>(8 * workers)) {
        pending.push_back(pool.submit([&builder, clip = clips[submitted]] { return builder.make(*clip); }));
        ++submitted;
      }
      const auto result = pending.front().get();
      pending.pop_front();
      if (result.outcome == Outcome::kKept) ++build.kept;
      if (result.outcome == Outcome::kMade) ++build.made;
      if (result.outcome == Outcome::kBad) build.bad.push_back({clips[i]->id, result.error});
      progress.update(static_cast<std::int64_t>(i) + 1, concat(build.bad.size(), " bad"));
    }
  } catch (...) {
    pool.cancel_pending();
    throw;
  }
}

// A training that looks at the times of the videos holds the lock for a moment; another builder holds it longer.
void lock_folder(FileLock& lock, const fs::path& folder) {
  for (int tries = 0; tries < 10; ++tries) {
    if (lock.try_lock()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  throw Error(folder.string(), ": another glint data cache works in this folder; let it end or name another folder");
}

std::string what_stays(const CacheBuild& build) {
  return concat("; the ", build.kept + build.made,
                " clips finished before stay, and the same command goes on from there");
}

}  // namespace

CacheBuild build_frame_cache(const std::vector<Clip>& clips, const DataConfig& data, const VideoConfig& video) {
  const auto start = std::chrono::steady_clock::now();
  const fs::path folder = data.cache;
  GLINT_CHECK(!folder.empty(), "data.cache is empty");
  FileLock lock(folder / ".lock");
  lock_folder(lock, folder);
  claim_folder(folder, data, video);
  const Settings settings = read_settings(folder, data, video);
  CacheBuilder builder(data, video, settings);
  builder.writer().write_index();
  std::unordered_set<std::string> names;
  const auto wanted = different(clips, names);
  builder.forget_changed(names, data.workers);
  CacheBuild build;
  build.clips = static_cast<std::int64_t>(wanted.size());
  try {
    make_all(builder, wanted, data.workers, build);
  } catch (const Stopped&) {
    builder.writer().write_index();
    log_info("stopped: ", build.kept + build.made, " of ", build.clips, " clips are in ", folder.string(),
             "; the same command goes on from there");
    throw;
  } catch (const NotNow& failure) {
    throw NotNow(failure.what(), what_stays(build));
  } catch (const Error& error) {
    throw Error(error.what(), what_stays(build));
  }
  builder.writer().write_index();
  build.bytes = cached_bytes(builder.writer().records());
  build.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return build;
}

}  // namespace glint
