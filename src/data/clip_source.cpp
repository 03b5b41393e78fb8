#include "glint/data/clip_source.h"

#include <torch/torch.h>

#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "data/frame_maker.h"
#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/data/clip_frames.h"
#include "glint/media/video_reader.h"

namespace glint {
namespace {

std::string key_of(const Clip& clip) {
  const auto text = [](const std::optional<double>& time_s) { return time_s ? std::to_string(*time_s) : ""; };
  return concat(clip.file.string(), '\n', text(clip.start_s), '\n', text(clip.end_s));
}

using Pictures = std::vector<Image>;  // a clip's sampled frames at the size of the file

int64_t bytes_of(const Pictures& pictures) {
  int64_t bytes = 0;
  for (const auto& picture : pictures) bytes += std::ssize(picture.rgb);
  return bytes;
}

// A clip in the cache: its frames, or the pictures they are made of where each reading may draw others.
struct CachedClip {
  ClipFrames frames = {};
  std::shared_ptr<const Pictures> pictures = {};
};

}  // namespace

struct ClipSource::Impl {
  Impl(const DataConfig& data, const VideoConfig& video_config)
      : video(video_config),
        cache_limit(data.cache_mb << 20),
        keeps_pictures(video.augment != "none"),
        frame_bytes(static_cast<std::size_t>(3 * video.image_size * video.image_size)),
        makers(video) {}

  ClipFrames empty_frames(std::size_t count) const;
  ClipFrames decode(const Clip& clip, std::optional<uint64_t> augment_key, Pictures& kept);
  ClipFrames make(const Pictures& pictures, std::optional<uint64_t> augment_key);
  ClipFrames bad(std::string error) const;
  std::optional<CachedClip> known(const std::string& key);
  bool has_room(int64_t bytes);
  void remember(const std::string& key, const Clip& clip, const ClipFrames& frames, Pictures pictures);

  const VideoConfig video;
  const int64_t cache_limit;  // bytes
  const bool keeps_pictures;
  const std::size_t frame_bytes;
  FrameMakerPool makers;

  std::mutex mutex;  // of what follows
  // First come, first kept: epochs read all clips in a new order each, so whatever is thrown out would be wanted as
  // soon as what takes its place.
  std::unordered_map<std::string, CachedClip> cache;
  int64_t cached_bytes = 0;
  std::unordered_map<std::string, std::string> errors;  // clips that failed once are not tried again
  std::unordered_set<std::string> logged_files;         // so that a file cut into many clips is named once
};

// `count` frames to be written, and the mask that says so.
ClipFrames ClipSource::Impl::empty_frames(std::size_t count) const {
  const int64_t side = video.image_size;
  ClipFrames frames{torch::empty({video.num_frames, 3, side, side}, torch::kUInt8),
                    torch::zeros({video.num_frames}, torch::kInt64),
                    {}};
  frames.mask.slice(0, 0, static_cast<int64_t>(count)).fill_(1);
  // Not zero_(): that would start LibTorch's own threads in every worker.
  std::memset(frames.frames.data_ptr<std::uint8_t>() + count * frame_bytes, 0,
              (static_cast<std::size_t>(video.num_frames) - count) * frame_bytes);
  return frames;
}

// `kept` receives the pictures where the cache takes them, none elsewhere.
ClipFrames ClipSource::Impl::decode(const Clip& clip, std::optional<uint64_t> augment_key, Pictures& kept) {
  VideoReader reader(clip.file.string(), reader_options(video));
  const auto numbers = clip_frames(reader, clip, video);

  ClipFrames frames = empty_frames(numbers.size());
  auto* out = frames.frames.data_ptr<std::uint8_t>();
  FrameMaker maker = makers.take();
  maker.begin_clip(augment_key);
  bool keep = keeps_pictures;
  int64_t kept_bytes = 0;
  std::size_t received = 0;
  reader.read_frames(numbers, [&](std::size_t position, const Image& image) {
    maker.make(image, out + position * frame_bytes);
    ++received;
    keep = keep && has_room(kept_bytes += std::ssize(image.rgb));
    if (keep) kept.push_back(image);
  });
  if (!keep) kept.clear();
  makers.give_back(std::move(maker));
  GLINT_CHECK(received == numbers.size(), received, " of ", numbers.size(), " frames came from ", clip.file.string());
  return frames;
}

ClipFrames ClipSource::Impl::make(const Pictures& pictures, std::optional<uint64_t> augment_key) {
  ClipFrames frames = empty_frames(pictures.size());
  auto* out = frames.frames.data_ptr<std::uint8_t>();
  FrameMaker maker = makers.take();
  maker.begin_clip(augment_key);
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    maker.make(pictures[i], out + i * frame_bytes);
  }
  makers.give_back(std::move(maker));
  return frames;
}

ClipFrames ClipSource::Impl::bad(std::string error) const {
  return {torch::zeros({video.num_frames, 3, video.image_size, video.image_size}, torch::kUInt8),
          torch::zeros({video.num_frames}, torch::kInt64), std::move(error)};
}

std::optional<CachedClip> ClipSource::Impl::known(const std::string& key) {
  const std::lock_guard lock(mutex);
  if (const auto failed = errors.find(key); failed != errors.end()) return CachedClip{bad(failed->second)};
  if (const auto cached = cache.find(key); cached != cache.end()) return cached->second;
  return std::nullopt;
}

bool ClipSource::Impl::has_room(int64_t bytes) {
  const std::lock_guard lock(mutex);
  return cached_bytes + bytes <= cache_limit;
}

void ClipSource::Impl::remember(const std::string& key, const Clip& clip, const ClipFrames& frames, Pictures pictures) {
  const std::lock_guard lock(mutex);
  if (!frames.error.empty()) {
    errors.try_emplace(key, frames.error);
    if (logged_files.insert(clip.file.string()).second) log_warning("clip '", clip.id, "' is left out: ", frames.error);
    return;
  }
  if (keeps_pictures && pictures.empty()) return;
  const auto bytes =
      keeps_pictures ? bytes_of(pictures) : static_cast<int64_t>(frames.frames.nbytes() + frames.mask.nbytes());
  if (cached_bytes + bytes > cache_limit) return;
  CachedClip cached;
  if (keeps_pictures) {
    cached.pictures = std::make_shared<const Pictures>(std::move(pictures));
  } else {
    cached.frames = frames;
  }
  if (cache.try_emplace(key, std::move(cached)).second) cached_bytes += bytes;
}

ClipSource::ClipSource(const DataConfig& data, const VideoConfig& video) : impl_(std::make_unique<Impl>(data, video)) {}

ClipSource::~ClipSource() = default;

int64_t ClipSource::num_frames() const {
  return impl_->video.num_frames;
}

int64_t ClipSource::image_size() const {
  return impl_->video.image_size;
}

ClipFrames ClipSource::read(const Clip& clip, std::optional<uint64_t> augment_key) {
  const std::string key = key_of(clip);
  if (const auto known = impl_->known(key)) {
    return known->pictures ? impl_->make(*known->pictures, augment_key) : known->frames;
  }
  ClipFrames frames;
  Pictures pictures;
  try {
    frames = impl_->decode(clip, augment_key, pictures);
  } catch (const Error& error) {  // the caller's policy decides what a bad file means
    frames = impl_->bad(error.what());
  }
  impl_->remember(key, clip, frames, std::move(pictures));
  return frames;
}

}  // namespace glint
