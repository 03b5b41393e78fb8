#include "glint/media/video_reader.h"

#include <algorithm>
#include <new>
#include <utility>

#include "glint/core/error.h"
#include "media/av.h"
#include "media/file_reader.h"
#include "media/video_file.h"

namespace glint {

namespace {

// What does not fit into memory although its sizes are within the limits is no bad file.
template <class Work>
auto within_memory(const std::string& path, const Work& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    throw NotNow(path, ": the machine has no more memory to decode it in now; lower data.workers or data.cache_mb");
  }
}

}  // namespace

struct VideoReader::Impl {
  std::string path;
  std::unique_ptr<media::FileReader> file;
};

VideoReader::VideoReader(const std::string& path, const ReaderOptions& options) {
  media::quiet_libav();
  impl_ = within_memory(path, [&] {
    media::VideoFile file(path);
    return std::make_unique<Impl>(Impl{path, options.isolate ? media::open_isolated(std::move(file), options)
                                                             : media::open_here(std::move(file), options)});
  });
}
VideoReader::~VideoReader() = default;
VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader& VideoReader::operator=(VideoReader&&) noexcept = default;

const VideoInfo& VideoReader::info() const {
  return impl_->file->info();
}

const std::vector<double>& VideoReader::frame_times() const {
  return impl_->file->times_s();
}

std::int64_t VideoReader::frame_at(double time_s) const {
  const auto& times_s = frame_times();
  const auto after = std::upper_bound(times_s.begin(), times_s.end(), time_s);
  return std::max<std::int64_t>(0, after - times_s.begin() - 1);
}

std::int64_t VideoReader::lost_frames() const {
  return impl_->file->lost_frames();
}

const ReadingTime& VideoReader::time_spent() const {
  return impl_->file->time_spent();
}

void VideoReader::read_frames(const std::vector<std::int64_t>& frames, const Sink& sink) {
  GLINT_CHECK(std::is_sorted(frames.begin(), frames.end()), "frame numbers must ascend");
  if (frames.empty()) return;
  const auto size = std::ssize(frame_times());
  GLINT_CHECK(frames.front() >= 0 && frames.back() < size, "frames ", frames.front(), " to ", frames.back(), " of ",
              size);
  within_memory(impl_->path, [&] { impl_->file->read(frames, sink); });
}

}  // namespace glint
