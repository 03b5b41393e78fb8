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

#include "glint/core/error.h"
#include "glint/core/log.h"
#include "glint/media/frame_sampler.h"
#include "glint/media/frame_transform.h"
#include "glint/media/video_reader.h"

namespace glint {
namespace {

std::string key_of(const Clip& clip) {
  const auto text = [](const std::optional<double>& time_s) { return time_s ? std::to_string(*time_s) : ""; };
  return concat(clip.file.string(), '\n', text(clip.start_s), '\n', text(clip.end_s));
}

// Transforms keep tables for the picture size they met last and serve one thread at a time: they are lent out.
class TransformPool {
 public:
  explicit TransformPool(int size) : size_(size) {}

  FrameTransform take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return FrameTransform(size_);
    FrameTransform transform = std::move(idle_.back());
    idle_.pop_back();
    return transform;
  }
  void give_back(FrameTransform transform) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(transform));
  }

 private:
  int size_;
  std::mutex mutex_;
  std::vector<FrameTransform> idle_ = {};
};

}  // namespace

struct ClipSource::Impl {
  Impl(const DataConfig& data, const VideoConfig& video_config)
      : video(video_config),
        policy(sampling_policy(video.sampling)),
        cache_limit(data.cache_mb << 20),
        transforms(static_cast<int>(video.image_size)) {}

  ClipFrames decode(const Clip& clip);
  ClipFrames bad(std::string error) const;
  std::optional<ClipFrames> known(const std::string& key);
  void remember(const std::string& key, const Clip& clip, const ClipFrames& frames);

  const VideoConfig video;
  const SamplingPolicy policy;
  const int64_t cache_limit;  // bytes
  TransformPool transforms;

  std::mutex mutex;  // of what follows
  // First come, first kept: epochs read all clips in a new order each, so whatever is thrown out would be wanted as
  // soon as what takes its place.
  std::unordered_map<std::string, ClipFrames> cache;
  int64_t cached_bytes = 0;
  std::unordered_map<std::string, std::string> errors;  // clips that failed once are not tried again
  std::unordered_set<std::string> logged_files;         // so that a file cut into many clips is named once
};

ClipFrames ClipSource::Impl::decode(const Clip& clip) {
  const ReaderOptions options{.apply_rotation = video.apply_rotation, .timeout_s = video.timeout_s};
  VideoReader reader(clip.file.string(), options);
  const auto& info = reader.info();
  const SampledVideo sampled{&reader.frame_times(), info.average_fps, info.duration_s};
  const SamplingRequest request{
      .num_frames = video.num_frames, .fps = video.fps, .start_s = clip.start_s, .end_s = clip.end_s};
  const auto numbers = sample_frames(policy, sampled, request);
  const auto count = static_cast<int64_t>(numbers.size());
  GLINT_CHECK(count <= video.num_frames, count, " frames sampled where ", video.num_frames, " are asked for");
  if (count == 0) throw Error(clip.file.string(), ": no frame stands between start_s and end_s");

  const int64_t side = video.image_size;
  const auto frame_bytes = static_cast<std::size_t>(3 * side * side);
  ClipFrames clip_frames{torch::empty({video.num_frames, 3, side, side}, torch::kUInt8),
                         torch::zeros({video.num_frames}, torch::kInt64),
                         {}};
  clip_frames.mask.slice(0, 0, count).fill_(1);
  auto* out = clip_frames.frames.data_ptr<std::uint8_t>();
  // Not zero_(): that would start LibTorch's own threads in every worker.
  std::memset(out + numbers.size() * frame_bytes, 0, static_cast<std::size_t>(video.num_frames - count) * frame_bytes);
  FrameTransform transform = transforms.take();
  std::size_t received = 0;
  reader.read_frames(numbers, [&](std::size_t position, const Image& image) {
    transform.apply(image, out + position * frame_bytes);
    ++received;
  });
  transforms.give_back(std::move(transform));
  GLINT_CHECK(received == numbers.size(), received, " of ", numbers.size(), " frames came from ", clip.file.string());
  return clip_frames;
}

ClipFrames ClipSource::Impl::bad(std::string error) const {
  return {torch::zeros({video.num_frames, 3, video.image_size, video.image_size}, torch::kUInt8),
          torch::zeros({video.num_frames}, torch::kInt64), std::move(error)};
}

std::optional<ClipFrames> ClipSource::Impl::known(const std::string& key) {
  const std::lock_guard lock(mutex);
  if (const auto failed = errors.find(key); failed != errors.end()) return bad(failed->second);
  if (const auto cached = cache.find(key); cached != cache.end()) return cached->second;
  return std::nullopt;
}

void ClipSource::Impl::remember(const std::string& key, const Clip& clip, const ClipFrames& frames) {
  const std::lock_guard lock(mutex);
  if (!frames.error.empty()) {
    errors.try_emplace(key, frames.error);
    if (logged_files.insert(clip.file.string()).second) log_warning("clip '", clip.id, "' is left out: ", frames.error);
    return;
  }
  const auto bytes = static_cast<int64_t>(frames.frames.nbytes() + frames.mask.nbytes());
  if (cached_bytes + bytes <= cache_limit && cache.try_emplace(key, frames).second) cached_bytes += bytes;
}

ClipSource::ClipSource(const DataConfig& data, const VideoConfig& video) : impl_(std::make_unique<Impl>(data, video)) {}

ClipSource::~ClipSource() = default;

int64_t ClipSource::num_frames() const {
  return impl_->video.num_frames;
}

int64_t ClipSource::image_size() const {
  return impl_->video.image_size;
}

ClipFrames ClipSource::read(const Clip& clip) {
  const std::string key = key_of(clip);
  if (auto frames = impl_->known(key)) return *frames;
  ClipFrames frames;
  try {
    frames = impl_->decode(clip);
  } catch (const Error& error) {  // the caller's policy decides what a bad file means
    frames = impl_->bad(error.what());
  }
  impl_->remember(key, clip, frames);
  return frames;
}

}  // namespace glint
