#include "glint/data/clip_source.h"

#include <torch/torch.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "data/clip_decoder.h"
#include "data/frame_cache_codec.h"
#include "data/frame_maker.h"
#include "data/second_try.h"
#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/core/stop_signal.h"
#include "glint/data/frame_cache.h"
#include "glint/media/frame_sampler.h"

namespace glint {
namespace {

std::string key_of(const Clip& clip) {
  return concat(clip.file.string(), '\n', clip.start_s ? "from " : "", window_text(clip.start_s, clip.end_s));
}

using Pictures = std::vector<Image>;  // a clip's sampled frames at the size of the file

int64_t bytes_of(const Pictures& pictures) {
  int64_t bytes = 0;
  for (const auto& picture : pictures) bytes += std::ssize(picture.rgb);
  return bytes;
}

// A clip kept in memory: its frames, or the pictures they are made of where each reading may draw others.
struct KeptClip {
  std::shared_ptr<const std::vector<std::uint8_t>> frames = {};  // [count, 3, R, R]
  std::shared_ptr<const Pictures> pictures = {};
};

}  // namespace

struct ClipSource::Impl {
  Impl(const DataConfig& data, const VideoConfig& video_config)
      : folder(data.cache),
        video(video_config),
        memory_limit(data.cache_mb << 20),
        keeps_pictures(video.augment != "none"),
        frame_bytes(static_cast<std::size_t>(3 * video.image_size * video.image_size)),
        makers(video) {
    sampling_policy(video.sampling);  // known before the first clip is
    if (!folder.empty()) disk = std::make_unique<FrameCache>(data, video);
  }

  // These write a clip's frames to `out` and give how many there are.
  std::size_t fill(const Clip& clip, const std::string& key, std::optional<uint64_t> augment_key, std::uint8_t* out);
  std::size_t copy(const KeptClip& kept, std::optional<uint64_t> augment_key, std::uint8_t* out);
  std::optional<std::size_t> read_cached(const Clip& clip, const std::string& key, std::optional<uint64_t> augment_key,
                                         std::uint8_t* out);
  std::size_t decode(const Clip& clip, std::optional<uint64_t> augment_key, std::uint8_t* out, Pictures& kept);

  void make_as_cached(std::uint8_t* frame) const;
  void note_uncached(const Clip& clip, const std::string& key);
  bool has_room(int64_t bytes);
  int64_t limit_for(const std::string& key) const;
  void keep(const std::string& key, const std::uint8_t* frames, std::size_t count, Pictures pictures);
  std::string known_error(const std::string& key);  // empty where the clip has not failed
  void note_bad(const std::string& key, const std::string& error);

  const std::string folder;  // data.cache
  const VideoConfig video;
  const int64_t memory_limit;  // bytes
  const bool keeps_pictures;
  const std::size_t frame_bytes;
  std::unique_ptr<FrameCache> disk;  // none where data.cache is empty
  FrameMakerPool makers;

  std::mutex mutex;  // of what follows
  // First come, first kept: epochs read all clips in a new order each, so whatever is thrown out would be wanted as
  // soon as what takes its place.
  std::unordered_map<std::string, KeptClip> memory;
  int64_t memory_bytes = 0;
  std::unordered_set<std::string> favoured;             // clips that room is kept for and that are not in `memory` yet
  std::unordered_map<std::string, std::string> errors;  // of clips whose files are bad: they are not tried again
  std::unordered_set<std::string> uncached;             // clips that `disk` lacks
  bool has_told_of_damage = false;
};

// From wherever they come soonest.
std::size_t ClipSource::Impl::fill(const Clip& clip, const std::string& key, std::optional<uint64_t> augment_key,
                                   std::uint8_t* out) {
  std::optional<KeptClip> kept;
  {
    const std::lock_guard lock(mutex);
    if (const auto found = memory.find(key); found != memory.end()) kept = found->second;
  }
  if (kept) return copy(*kept, augment_key, out);
  if (const auto cached = read_cached(clip, key, augment_key, out)) return *cached;
  Pictures pictures;
  const auto count = decode(clip, augment_key, out, pictures);
  if (disk) note_uncached(clip, key);  // a bad file is none that the cache should have
  keep(key, out, count, std::move(pictures));
  return count;
}

std::size_t ClipSource::Impl::copy(const KeptClip& kept, std::optional<uint64_t> augment_key, std::uint8_t* out) {
  if (kept.frames) {
    std::memcpy(out, kept.frames->data(), kept.frames->size());
    return kept.frames->size() / frame_bytes;
  }
  FrameMaker maker = makers.take();
  maker.begin_clip(augment_key);
  for (std::size_t i = 0; i < kept.pictures->size(); ++i) maker.make((*kept.pictures)[i], out + i * frame_bytes);
  makers.give_back(std::move(maker));
  return kept.pictures->size();
}

// None where the cache on the disk lacks the clip or lost it: then it is decoded, which gives the same frames.
std::optional<std::size_t> ClipSource::Impl::read_cached(const Clip& clip, const std::string& key,
                                                         std::optional<uint64_t> augment_key, std::uint8_t* out) {
  if (!disk) return std::nullopt;
  {
    const std::lock_guard lock(mutex);
    if (uncached.count(key) != 0) return std::nullopt;
  }
  std::optional<std::size_t> found;
  try {
    found = disk->find(clip);
    if (found && !disk->keeps_pictures()) return disk->read_frames(*found, out);
    if (found) {
      std::size_t count = 0;
      FrameMaker maker = makers.take();
      maker.begin_clip(augment_key);
      disk->read_pictures(*found, [&](std::size_t position, const Image& picture) {
        maker.make(picture, out + position * frame_bytes);
        ++count;
      });
      makers.give_back(std::move(maker));
      return count;
    }
  } catch (const BadFile& error) {  // the pack, not the video
    const std::lock_guard lock(mutex);
    if (!std::exchange(has_told_of_damage, true))
      log_warning(error.what(), "; until then it is decoded, and so is what else is damaged");
  }
  return std::nullopt;
}

void ClipSource::Impl::note_uncached(const Clip& clip, const std::string& key) {
  const std::lock_guard lock(mutex);
  if (!uncached.insert(key).second) return;
  if (uncached.size() == 1 && !has_told_of_damage) {
    log_warning("clip '", clip.id, "' is not in the cache ", folder,
                "; what is not there is decoded; glint data cache "
                "adds it");
  }
}

// What a lossy cache would have given for a frame.
void ClipSource::Impl::make_as_cached(std::uint8_t* frame) const {
  Image picture;
  cache::planes_to_picture(frame, static_cast<int>(video.image_size), picture);
  disk->make_as_kept(picture);
  cache::picture_to_planes(picture, frame);
}

// `kept` receives the pictures where the memory takes them, none elsewhere.
std::size_t ClipSource::Impl::decode(const Clip& clip, std::optional<uint64_t> augment_key, std::uint8_t* out,
                                     Pictures& kept) {
  FrameMaker maker = makers.take();
  maker.begin_clip(augment_key);
  const bool lossy = disk && disk->is_lossy();
  bool keep_all = keeps_pictures;
  int64_t kept_bytes = 0;
  const std::size_t count = decode_clip(clip, video, [&](std::size_t position, const Image& decoded) {
    Image changed;
    if (lossy && disk->keeps_pictures()) disk->make_as_kept(changed = decoded);
    const Image& picture = changed.rgb.empty() ? decoded : changed;
    maker.make(picture, out + position * frame_bytes);
    if (lossy && !disk->keeps_pictures()) make_as_cached(out + position * frame_bytes);
    keep_all = keep_all && has_room(kept_bytes += std::ssize(picture.rgb));
    if (keep_all) kept.push_back(picture);
  });
  if (!keep_all) kept.clear();
  makers.give_back(std::move(maker));
  return count;
}

bool ClipSource::Impl::has_room(int64_t bytes) {
  const std::lock_guard lock(mutex);
  return memory_bytes + bytes <= memory_limit;
}

// With the mutex held: what `memory` may hold once this clip is in it.
int64_t ClipSource::Impl::limit_for(const std::string& key) const {
  if (favoured.count(key) != 0) return memory_limit;
  return memory_limit - std::ssize(favoured) * video.num_frames * static_cast<int64_t>(frame_bytes);
}

void ClipSource::Impl::keep(const std::string& key, const std::uint8_t* frames, std::size_t count, Pictures pictures) {
  const auto bytes = keeps_pictures ? bytes_of(pictures) : static_cast<int64_t>(count * frame_bytes);
  if ((keeps_pictures && pictures.empty()) || !has_room(bytes)) return;
  KeptClip clip;
  if (keeps_pictures) {
    clip.pictures = std::make_shared<const Pictures>(std::move(pictures));
  } else {
    clip.frames = std::make_shared<const std::vector<std::uint8_t>>(frames, frames + bytes);
  }
  const std::lock_guard lock(mutex);
  if (memory_bytes + bytes > limit_for(key) || !memory.try_emplace(key, std::move(clip)).second) return;
  memory_bytes += bytes;
  favoured.erase(key);
}

std::string ClipSource::Impl::known_error(const std::string& key) {
  const std::lock_guard lock(mutex);
  const auto failed = errors.find(key);
  return failed == errors.end() ? "" : failed->second;
}

void ClipSource::Impl::note_bad(const std::string& key, const std::string& error) {
  const std::lock_guard lock(mutex);
  errors.try_emplace(key, error);
  favoured.erase(key);
}

ClipSource::ClipSource(const DataConfig& data, const VideoConfig& video) : impl_(std::make_unique<Impl>(data, video)) {}

ClipSource::~ClipSource() {
  if (impl_->uncached.size() > 1) log_info(impl_->uncached.size(), " clips were not in the cache ", impl_->folder);
}

void ClipSource::keep_room_for(const std::vector<Clip>& clips) {
  if (impl_->keeps_pictures) return;
  const std::lock_guard lock(impl_->mutex);
  for (const auto& clip : clips) {
    if (const auto key = key_of(clip); impl_->memory.count(key) == 0) impl_->favoured.insert(key);
  }
}

void ClipSource::leave_out(const Clip& clip, const std::string& cause) {
  impl_->note_bad(key_of(clip), cause);
}

int64_t ClipSource::num_frames() const {
  return impl_->video.num_frames;
}

int64_t ClipSource::image_size() const {
  return impl_->video.image_size;
}

std::string ClipSource::read_into(const Clip& clip, std::optional<uint64_t> augment_key, std::uint8_t* frames,
                                  std::int64_t* mask) {
  if (stop_requested() != 0) throw Stopped(stop_requested());
  const std::string key = key_of(clip);
  std::string error = impl_->known_error(key);
  std::size_t count = 0;
  if (error.empty()) {
    try {
      count = with_second_try(clip.file, [&] { return impl_->fill(clip, key, augment_key, frames); });
    } catch (const BadFile& failure) {  // the caller's policy decides what a bad file means
      error = failure.what();
      impl_->note_bad(key, error);
    }
  }
  const auto total = static_cast<std::size_t>(impl_->video.num_frames);
  std::memset(frames + count * impl_->frame_bytes, 0, (total - count) * impl_->frame_bytes);
  std::fill_n(mask, count, 1);
  std::fill_n(mask + count, total - count, 0);
  return error;
}

ClipFrames ClipSource::read(const Clip& clip, std::optional<uint64_t> augment_key) {
  const int64_t side = image_size();
  ClipFrames clip_frames{
      torch::empty({num_frames(), 3, side, side}, torch::kUInt8), torch::empty({num_frames()}, torch::kInt64), {}};
  clip_frames.error = read_into(clip, augment_key, clip_frames.frames.data_ptr<std::uint8_t>(),
                                clip_frames.mask.data_ptr<std::int64_t>());
  return clip_frames;
}

}  // namespace glint
