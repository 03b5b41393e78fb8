#include "glint/data/clip_stream.h"

#include "glint/core/error.h"
#include "glint/core/stop_signal.h"

namespace glint {

ClipStream::ClipStream(const std::vector<Clip>& clips, ClipSource& source, int64_t workers, int64_t ahead)
    : clips_(clips), source_(source), ahead_(static_cast<std::size_t>(ahead)), pool_(static_cast<int>(workers)) {}

ClipStream::~ClipStream() {
  pool_.cancel_pending();
}

ClipFrames ClipStream::next() {
  if (stop_requested() != 0) throw Stopped(stop_requested());
  while (submitted_ < clips_.size() && pending_.size() < ahead_) {
    pending_.push_back(pool_.submit([this, i = submitted_] { return source_.read(clips_[i]); }));
    ++submitted_;
  }
  GLINT_CHECK(!pending_.empty(), "all ", clips_.size(), " clips are handed out");
  auto frames = pending_.front().get();
  pending_.pop_front();
  return frames;
}

}  // namespace glint
